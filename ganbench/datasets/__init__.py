"""The built-in datasets. This module imports no torch: each is imported when it is first used."""

from ganbench.hookspecs import Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    """Register the embedded, the downloaded, the user's own and the synthetic datasets."""
    register(
        "digits",
        "ganbench.datasets.digits:Digits",
        summary="1,797 handwritten digits, 16x16 grey, shipped with scikit-learn: needs no download",
    )
    register(
        "mnist",
        "ganbench.datasets.idx:MNIST",
        summary="70,000 handwritten digits, 32x32 grey",
        paper="doi:10.1109/5.726791",
    )
    register(
        "fashion-mnist",
        "ganbench.datasets.idx:FashionMNIST",
        summary="70,000 articles of clothing, 32x32 grey",
        paper="arXiv:1708.07747",
    )
    register(
        "stacked-digits",
        "ganbench.datasets.stacked:StackedDigits",
        summary="Three of the embedded digits as red, green and blue, 16x16: 1,000 modes, needs no download",
        paper="arXiv:1611.02163",
    )
    register(
        "stacked-mnist",
        "ganbench.datasets.stacked:StackedMNIST",
        summary="Three MNIST digits as red, green and blue, 32x32: 1,000 modes",
        paper="arXiv:1611.02163",
    )
    register(
        "cifar10",
        "ganbench.datasets.cifar:CIFAR10",
        summary="60,000 photographs of 10 classes, 32x32 colour",
        paper="https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",
    )
    register(
        "cifar100",
        "ganbench.datasets.cifar:CIFAR100",
        summary="60,000 photographs of 100 classes, 32x32 colour",
        paper="https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",
    )
    register(
        "folder",
        "ganbench.datasets.folder:Folder",
        summary="Your own images: a folder or a .zip, class sub-folders become labels",
        argument="path",
    )
    register(
        "array",
        "ganbench.datasets.arrays:Array",
        summary="Your own samples in an array: .npy, .npz or a .pt tensor",
        argument="path",
    )
    register(
        "ring",
        "ganbench.datasets.mixtures:Ring",
        summary="8 Gaussians on the unit circle",
        paper="arXiv:1712.04086",
    )
    register(
        "grid",
        "ganbench.datasets.mixtures:Grid",
        summary="25 Gaussians on a 5x5 grid",
        paper="arXiv:1712.04086",
    )
