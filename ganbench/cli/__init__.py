"""The command line. One file per group of commands, imported when the command is used."""

import contextlib
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click

from ganbench import __version__
from ganbench.cli import unforeseen
from ganbench.cli.characters import write_what_can_be
from ganbench.errors import GanbenchError, did_you_mean

COMMANDS = {
    "run": ("ganbench.cli.run:run", "Train and score a grid of trials, and print the comparative table."),
    "status": ("ganbench.cli.status:status", "Show which trials run where, how fast, and how long they will take."),
    "eval": ("ganbench.cli.evaluate:evaluate", "Score samples or generators that ganbench did not train."),
    "reproduce": ("ganbench.cli.reproduce:reproduce", "Train the trials of a published table, and compare."),
    "results": ("ganbench.cli.results:results", "Print the table of a folder of trials again."),
    "report": ("ganbench.cli.report:report", "Write an HTML report of a folder of trials."),
    "leaderboard": ("ganbench.cli.leaderboard:leaderboard", "Build leaderboards, and use them to judge a change."),
    "track": ("ganbench.cli.track:track", "Copy finished trials to a tracker."),
    "runs": ("ganbench.cli.runs:runs", "List, verify, prune, export and import trials."),
    "sample": ("ganbench.cli.sample:sample", "Draw samples from a trained trial."),
    "list": ("ganbench.cli.catalogue:list_components", "List losses, architectures, datasets and the rest."),
    "show": ("ganbench.cli.catalogue:show", "Explain one component: formula, paper, parameters, recipe."),
    "plugins": ("ganbench.cli.plugins:plugins", "See which plugins are installed and whether they work."),
    "doctor": ("ganbench.cli.doctor:doctor", "Check versions, devices and data, and say what is missing."),
    "completion": ("ganbench.cli.completion:completion", "Print the shell's completion script."),
}


class KeptFromClick(Exception):
    """An error that click would answer itself, and otherwise than it is meant; which one is its cause.

    Click takes every pipe or socket that broke for the output's, whose reader has left, and its exit code is then 1:
    the verdict of a gate, or trials that failed. It takes every ``EOFError``, also that of a torn file, for the end of
    what somebody types, and ends without a word and as Ctrl-C does; where it asks for something, it says so itself.
    """


@contextlib.contextmanager
def _kept_from_click() -> Iterator[None]:
    try:
        yield
    except (BrokenPipeError, EOFError) as error:
        raise KeptFromClick from error


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is used, and takes in plugins' commands."""

    _filled = False

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the options, of which some print and end."""
        with _kept_from_click():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _kept_from_click():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Built-in commands in the order of use, then plugins' commands."""
        self._fill()
        return [*COMMANDS, *sorted(name for name in self.commands if name not in COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a built-in command, or look among the plugins'."""
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name][0].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        self._fill()
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        rows = []
        for name in self.list_commands(ctx):
            if name in COMMANDS:
                rows.append((name, COMMANDS[name][1]))
            elif not self.commands[name].hidden:
                rows.append((name, self.commands[name].get_short_help_str(80)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say which command was probably meant if there is none of that name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            name = str(args[0])
            raise click.UsageError(
                f"there is no command '{name}'{did_you_mean(name, self.list_commands(ctx))}", ctx
            ) from error

    def _fill(self) -> None:
        if not self._filled:
            self._filled = True
            from ganbench import plugins
            from ganbench.cli.commands import PluginCommands

            found = PluginCommands(plugins.load())
            for _, problem in found.problems:
                click.echo(problem, err=True)
            for name, command in found.usable():
                self.add_command(command, name)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", prog_name="ganbench", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="If an error occurs, show its traceback.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Benchmark GANs: losses, architectures and datasets as plugins, one honest table.

    \b
    Examples:
      ganbench run --losses vanilla,lsgan,wgan-gp,hinge --arch dcgan
      ganbench run --losses 'hinge+r1[gamma=0.1]' --arch dcgan --dataset mnist --seeds 5
      ganbench results runs --format markdown
      ganbench show wgan-gp
    """
    ctx.ensure_object(dict)
    ctx.obj["debug"] = debug
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown"):
        ctx.color = False  # whatever a command prints, it is printed plain


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; an error for the user is one line and exit code 2."""
    _open_closed_streams()
    write_what_can_be()
    code = _perform(sys.argv[1:] if arguments is None else arguments)
    if reason := _unwritten(sys.stdout):
        _complain(f"cannot write the output: {reason}")
        code = 2
    _unwritten(sys.stderr)
    sys.exit(code)


def _open_closed_streams() -> None:
    """Open streams that the caller closed on the null device, or the next file opened would take the place of one."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _perform(arguments: list[str]) -> int:
    debug = "--debug" in arguments or bool(os.environ.get("GANBENCH_DEBUG"))
    # The option may stand anywhere: a user adds it to the end of the line that failed.
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        _require_working_folder()
        for argument in arguments:
            _require_encodable(argument)
        code: Any = cli.main(args=arguments, prog_name="ganbench", standalone_mode=False, obj={"debug": debug})
    except GanbenchError as error:
        if debug:
            raise
        _complain(str(error))
        return error.exit_code
    except click.UsageError as error:
        if isinstance(error, click.exceptions.NoArgsIsHelpError) and error.ctx:
            _say(error.ctx.get_help())
            return 2
        where = f" (see '{error.ctx.command_path} --help')" if error.ctx else ""
        _complain(error.format_message().rstrip(".") + _advice(error) + where)
        return 2
    except click.ClickException as error:
        _complain(error.format_message())
        return 2
    except (KeyboardInterrupt, click.Abort):
        return 130
    except Exception as error:
        fault = error.__cause__ if isinstance(error, KeptFromClick) else error
        assert isinstance(fault, Exception)
        broken = isinstance(fault, BrokenPipeError)
        if broken and unforeseen.reader_left():
            return 141  # as of a program that SIGPIPE ends
        # An error of no file may be of writing the output, of which part is lost then: writing one more line tells.
        of_no_file = isinstance(fault, OSError) and fault.errno is not None and fault.filename is None
        if of_no_file and not broken and (reason := _unwritten(sys.stdout, "\n")):
            _complain(f"cannot write the output: {reason}")
            return 2
        if debug:
            raise
        _complain(unforeseen.in_words(fault))
        return 2
    return code if isinstance(code, int) else 0


def _advice(error: click.UsageError) -> str:
    """What to do about an unexpected argument, where that can be guessed; else empty.

    Mostly a list was written with spaces: certainly where an option's value ends in a comma, and probably where the
    command takes options alone. A folder given to such a command is meant for an option, as other commands take it
    without one.
    """
    context = error.ctx
    if context is None or not error.message.startswith("Got unexpected extra argument"):
        return ""
    parameters = context.command.params
    lists = [option for option in parameters if isinstance(option, click.Option) and option.multiple]
    begun = [
        option
        for option in lists
        if any(str(part).endswith(",") for part in context.params.get(option.name or "") or ())
    ]
    folder = error.message.partition("(")[2].removesuffix(")")
    named = any(isinstance(option, click.Option) and option.default == Path("runs") for option in parameters)
    if not begun and named and os.path.isdir(folder):
        return f"; the folder of trials is named with an option, as in --out {folder}"
    if not begun and any(isinstance(parameter, click.Argument) for parameter in parameters):
        return ""
    meant = [option.opts[0] for option in (*begun, *lists)]
    return f"; lists are written with commas and without spaces, as in {meant[0]} A,B" if meant else ""


def _unwritten(stream: TextIO, text: str = "") -> str:
    """Write ``text`` and what a stream still holds; return why that failed. The stream then leads nowhere."""
    try:
        stream.write(text)
        stream.flush()
        return ""
    except OSError as error:
        # So that the interpreter does not fail again at its end.
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
        return "" if isinstance(error, BrokenPipeError) else error.strerror or str(error)


def _require_working_folder() -> None:
    """Refuse a working folder that was removed: what names files by it fails in its own way, and MKL by ending us."""
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise GanbenchError("the current folder has been removed; change to another one") from error


def _require_encodable(argument: str) -> None:
    """Refuse half a character and the null character: no shell passes them, but a caller of :func:`main` can."""
    with contextlib.suppress(UnicodeEncodeError):
        if b"\0" not in os.fsencode(argument):
            return
    raise GanbenchError(f"the argument {argument!a} contains invalid characters")


def _complain(message: str) -> None:
    from ganbench.cleaning import clean

    _say(f"ganbench: {clean(message)}")


def _say(message: str) -> None:
    with contextlib.suppress(OSError):  # the exit code alone has to say it then
        click.echo(message, err=True)
