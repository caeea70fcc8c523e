"""A provider's own classifier in ONNX, asked about the signals in doubt only, beside the loop and under a deadline.

Its folder holds `model.onnx` (inputs `input_ids`, `attention_mask`, `token_type_ids`, as many as it has; its first output one row of
numbers), `tokenizer.json` in the form of Hugging Face's tokenizers, and `heads.json`, which says what each number means.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, Final, Literal

import msgspec

from shouban.core.errors import OperatorError, did_you_mean
from shouban.core.signals import SIGNALS, USER, Level, Reading, Role
from shouban.detectors.opinion import Context, Opinion, unread

EXTRA: Final = "the classifier needs onnxruntime and tokenizers; install `shouban[onnx]`"
MODEL: Final = "model.onnx"
TOKENIZER: Final = "tokenizer.json"
HEADS: Final = "heads.json"
INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids")
# One thread reads; so many texts may wait for it, and one more is not taken.
MOST_WAITING: Final = 8

Positive = Annotated[float, msgspec.Meta(gt=0)]


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one number says: that `signal` is there at `level`, once the curve through `slope` and `offset` passes `threshold`."""

    output: Annotated[int, msgspec.Meta(ge=0)]
    signal: str
    level: Annotated[int, msgspec.Meta(ge=1, le=4)]
    threshold: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    slope: Positive = 1.0
    offset: float = 0.0

    def probability(self, value: float) -> float:
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, self.slope * value + self.offset))))


class Heads(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`heads.json`. Only a person's messages are read."""

    heads: Annotated[tuple[Head, ...], msgspec.Meta(min_length=1)]
    roles: tuple[Literal["user"]] = ("user",)
    max_tokens: Annotated[int, msgspec.Meta(ge=8, le=8192)] = 128


class Classifier:
    """See the module. `numbers` gives the model's row for a text; it runs in a thread of the classifier's own."""

    name = "classifier"
    roles: frozenset[Role] = USER

    def __init__(
        self, heads: Sequence[Head], version: str, numbers: Callable[[str], Sequence[float]], deadline: float
    ) -> None:
        self._heads = tuple(heads)
        self._numbers = numbers
        self._deadline = deadline
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="classifier")
        self._open = 0
        self.signals = frozenset(head.signal for head in heads)
        self.version = version

    async def ask(self, text: str, signals: frozenset[str], context: Context = ()) -> Opinion:
        """What the model says on `signals`. Never raises, but for its own cancellation."""
        if self._open >= MOST_WAITING:
            return unread(self, signals, "busy")
        began = monotonic()
        self._open += 1
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._numbers, text)
        work.add_done_callback(self._done)
        await asyncio.wait({work}, timeout=self._deadline)
        taken = monotonic() - began
        if not work.done():
            work.cancel()  # it has not begun: it need not
            return unread(self, signals, "late", taken)
        if work.cancelled() or (error := work.exception()) is not None:
            return unread(self, signals, "failed", taken, "" if work.cancelled() else type(error).__name__)
        return Opinion(self.name, signals, self.readings_of(work.result(), signals), "answered", taken)

    def readings_of(self, numbers: Sequence[float], signals: frozenset[str]) -> tuple[Reading, ...]:
        """Of each signal asked about, the highest level whose head reads."""
        best: dict[str, Reading] = {}
        for head in sorted(self._heads, key=lambda head: head.level):
            score = head.probability(numbers[head.output])
            if head.signal in signals and score >= head.threshold:
                best[head.signal] = Reading(head.signal, Level(head.level), round(score, 3), self.name, self.version)
        return tuple(best.values())

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _done(self, work: asyncio.Future[Sequence[float]]) -> None:
        self._open -= 1
        if not work.cancelled():
            work.exception()  # looked at here too: who asked may be gone


def load_classifier(folder: Path, *, deadline: float) -> Classifier:
    """The classifier in `folder`, tried once, so that what is wrong with it shows at the start and not in a talk."""
    heads = _heads(folder / HEADS)
    version = f"{folder.name}@{_digest(folder)}"
    model = _Model(folder, heads.max_tokens)
    numbers = model.numbers("你好")
    for head in heads.heads:
        if head.output >= len(numbers):
            raise OperatorError(
                f"`{folder / HEADS}` names output {head.output}; `{MODEL}` has {len(numbers)}, counted from 0"
            )
    return Classifier(heads.heads, version, model.numbers, deadline)


def _heads(file: Path) -> Heads:
    try:
        heads = msgspec.json.decode(_bytes(file), type=Heads)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OperatorError(f"`{file}` does not fit: {error}") from error
    known = [name for name, roles in SIGNALS.items() if "user" in roles]
    for head in heads.heads:
        if head.signal not in known:
            raise OperatorError(f"`{file}` names signal `{head.signal}`{did_you_mean(head.signal, known)}")
    return heads


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise OperatorError(f"`{file}` cannot be read ({error.strerror})") from error


def _digest(folder: Path) -> str:
    whole = sha256()
    for name in (MODEL, TOKENIZER, HEADS):
        whole.update(sha256(_bytes(folder / name)).digest())
    return whole.hexdigest()[:12]


class _Model:
    """Tokenizer and session: a text in, the model's row of numbers out."""

    def __init__(self, folder: Path, max_tokens: int) -> None:
        self._file = folder / MODEL
        self._tokenizer = _tokenizer(folder / TOKENIZER, max_tokens)
        self._session = _session(self._file)
        self._inputs = [one.name for one in self._session.get_inputs()]
        strange = sorted(set(self._inputs) - set(INPUTS))
        if strange:
            raise OperatorError(
                f"`{self._file}` has an input `{strange[0]}`; it may have {', '.join(f'`{one}`' for one in INPUTS)}"
            )
        try:
            self.numbers("你好")
        except Exception as error:
            raise OperatorError(
                f"`{self._file}` does not give one row of numbers for a text ({type(error).__name__})"
            ) from error

    def numbers(self, text: str) -> list[float]:
        import numpy as np  # noqa: PLC0415  # comes with onnxruntime

        found = self._tokenizer.encode(text.encode("utf-8", "replace").decode())
        if found.overflowing:
            raise ValueError("longer than the model may read")  # danger may stand in what was cut
        rows = dict(zip(INPUTS, (found.ids, found.attention_mask, found.type_ids), strict=True))
        row = self._session.run(None, {one: np.array([rows[one]], dtype=np.int64) for one in self._inputs})[0]
        if row.ndim != 2 or row.shape[0] != 1 or not np.isfinite(row).all():
            raise ValueError("not one row of numbers")
        return [float(one) for one in row[0]]


def _tokenizer(file: Path, max_tokens: int) -> Any:  # noqa: ANN401  # the library is there only where it is wanted
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415  # likewise
    except ImportError as error:
        raise OperatorError(EXTRA) from error
    try:
        tokenizer = Tokenizer.from_str(_bytes(file).decode())
        tokenizer.enable_truncation(max_tokens)
        tokenizer.no_padding()
    except OperatorError:
        raise
    except Exception as error:
        raise OperatorError(f"`{file}` is no tokenizer in the form of Hugging Face's tokenizers") from error
    return tokenizer


def _session(file: Path) -> Any:  # noqa: ANN401  # likewise
    try:
        import onnxruntime  # noqa: PLC0415  # likewise
    except ImportError as error:
        raise OperatorError(EXTRA) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(_bytes(file), options, providers=["CPUExecutionProvider"])
    except OperatorError:
        raise
    except Exception as error:
        raise OperatorError(f"`{file}` is no model that onnxruntime can read ({type(error).__name__})") from error
