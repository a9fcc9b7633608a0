"""The kinds of values that fields of a declaration have, each with its check and its JSON Schema."""

import posixpath
import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    Strict,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from trimaran.units import Bytes, Cpu, Duration, Ratio


class Model(BaseModel):
    """A part of a declaration: frozen, strict, camelCase keys, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=False,
        validate_by_alias=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )


def problem(what: str, fix: str, code: str = "TRM0112") -> PydanticCustomError:
    """A refusal with our words, for a validator to raise."""
    return PydanticCustomError("trimaran", "{what}", {"what": what, "fix": fix, "code": code})


def _written(value: Any) -> Any:
    """A number or truth value as the text it was written as; other things stay as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return getattr(value, "text", str(value))
    return value


def _quantity(kind: type[Duration | Bytes | Cpu | Ratio], pattern: str, example: str) -> tuple[Any, ...]:
    def check(value: Any) -> Any:
        if isinstance(value, kind):
            # An already parsed quantity comes back when one model is built from another.
            return value
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise problem("is not a quantity", f"write text such as {example}")
        try:
            return kind.parse(_written(value))
        except ValueError as error:
            raise problem(str(error), f"write a number with its unit, such as {example}") from None

    # Amounts may stand without a unit, and then without quotes.
    types: str | list[str] = ["string", "number"] if kind in (Bytes, Cpu) else "string"
    schema = {"type": types, "pattern": pattern, "examples": [example]}
    return (PlainValidator(check), PlainSerializer(str), WithJsonSchema(schema))


def _match(pattern: str, what: str, fix: str, limit: int = 253) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if len(value) > limit or not compiled.fullmatch(value):
            raise problem(f"{value[:80]!r} is not {what}", fix)
        return value

    return AfterValidator(check)


_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _absolute(value: str) -> str:
    # Two slashes at the beginning are kept by normpath, since POSIX lets them mean something of their own.
    if not value.startswith("/") or posixpath.normpath(value) != value or value == "/" or value[:2] == "//":
        raise problem(
            f"{value[:80]!r} is not a plain absolute path", "such as /etc/podinfo/app.yaml, without .."
        )
    if _CONTROL.search(value) or ":" in value:
        # Kubernetes mounts nothing at a path with a colon.
        raise problem(f"{value[:80]!r} holds a colon or a control character", "take it out")
    return value


def _relative(value: str) -> str:
    if value.startswith("/") or posixpath.normpath(value).split("/")[0] == ".." or _CONTROL.search(value):
        raise problem(f"{value[:80]!r} leaves the checkout", "use a path below the declaration's folder")
    return value


DurationField = Annotated[Duration, *_quantity(Duration, r"^([0-9.]+(ms|s|m|h|d|w))+$", "500ms")]
BytesField = Annotated[Bytes, *_quantity(Bytes, r"^[0-9.]+(Ki|Mi|Gi|Ti|k|M|G|T)?$", "64Mi")]
CpuField = Annotated[Cpu, *_quantity(Cpu, r"^[0-9.]+m?$", "100m")]
RatioField = Annotated[Ratio, *_quantity(Ratio, r"^[0-9.]+%$", "99.9%")]


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise problem("holds a NUL, which no program can be given", "take it out")
    return value


Text = Annotated[
    str,
    BeforeValidator(_written, json_schema_input_type=str | int | float | bool),
    AfterValidator(_without_nul),
]
"""Text; a number written without quotes is taken as it was written."""

Whole = Annotated[int, Strict()]
"""A whole number; neither `true` nor a text of digits."""

YesNo = Annotated[bool, Strict()]
"""true or false; not the words that other readers of YAML take for them."""

_LABEL = r"[a-z]([-a-z0-9]*[a-z0-9])?"
Name = Annotated[str, _match(_LABEL, "a name", "use a-z, 0-9 and -, starting with a letter", 63)]
PortName = Annotated[
    # At most 15 characters without two hyphens in a row (RFC 6335, section 5.1), beginning with a letter.
    str,
    _match(
        r"[a-z](-?[a-z0-9])*", "a port name", "use at most 15 of a-z, 0-9 and single -, first a letter", 15
    ),
]
EnvName = Annotated[str, _match(r"[A-Za-z_][A-Za-z0-9_]*", "a variable's name", "use letters, digits and _")]
LabelKey = Annotated[
    str,
    _match(
        r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
        "a label key",
        "such as team",
        317,
    ),
]
LabelValue = Annotated[
    Text,
    _match(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?", "a label value", "letters, digits, - _ .", 63),
]
HostName = Annotated[
    str,
    _match(
        r"(\*\.)?([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]*[a-z0-9])?", "a host name", "lower case"
    ),
]
UrlPath = Annotated[str, _match(r"/[!-~]*", "a path of a URL", "such as /readyz", 1024)]
Mode = Annotated[Text, _match(r"0[0-7]{3}", "a file mode", 'four octal digits, such as "0440"')]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
RelativePath = Annotated[str, AfterValidator(_relative)]
Port = Annotated[Whole, Field(ge=1, le=65535)]
