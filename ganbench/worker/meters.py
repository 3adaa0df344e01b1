"""What a trial uses of its machine besides time: energy, and processor time that the machine's host took away."""

import torch

from ganbench.provenance import environment


class Meters:
    """Reads the machine's counters where there are any; a value is ``None`` where there are none."""

    def __init__(self) -> None:
        self._device = torch.device("cpu")
        self._steal = environment.steal_seconds()
        self._energy: float | None = None

    def measure(self, device: torch.device) -> None:
        """Count the energy of a device from now on, that of other trials on it included."""
        self._device = device
        self._energy = environment.energy_joules(device)

    def forget(self) -> None:
        """Count nothing: what earlier attempts used is not known, and a part would pass for the whole."""
        self._energy = self._steal = None

    def steal_seconds(self) -> float | None:
        """Seconds of processor time that the host of a virtual machine took since this was made."""
        if self._steal is None:
            return None
        now = environment.steal_seconds()
        return None if now is None else round(now - self._steal, 2)

    def energy_joules(self) -> float | None:
        """The device's energy since :meth:`measure`."""
        if self._energy is None:
            return None
        now = environment.energy_joules(self._device)
        return None if now is None else round(now - self._energy, 1)

    def peak_memory(self) -> int:
        """The most bytes that were in use."""
        return environment.peak_memory(self._device)
