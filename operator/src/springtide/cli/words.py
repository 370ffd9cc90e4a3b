"""Numbers and times as people read them, and strings that are safe to print."""

import unicodedata
from datetime import UTC, datetime, timedelta

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
DIGEST_SHOWN = 19


def safe(value: str) -> str:
    """Text in which nothing steers a terminal or turns the direction of writing: such characters are spelled out."""
    if value.isascii() and value.isprintable():
        return value
    return "".join(_visible(character) for character in value)


def _visible(character: str) -> str:
    if character in "\n\t":
        return " "
    if character.isprintable() or unicodedata.category(character) == "Zs":  # other spaces than ours are harmless
        return character
    return character.encode("unicode_escape", errors="backslashreplace").decode()


def duration(seconds: float) -> str:
    """A length of time in its two greatest units, such as `2h5m`."""
    left, parts = max(0, int(seconds)), []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
        if len(parts) == 2 or (parts and not count):
            break
    return "".join(parts) or "0s"


def later(time: datetime | None, seconds: float) -> datetime | None:
    """A time so many seconds after another; None where there is none, or no calendar goes so far."""
    try:
        return time + timedelta(seconds=seconds) if time else None
    except OverflowError:
        return None


def age(time: datetime | None, *, now: datetime) -> str:
    """How long ago a time was, as kubectl's AGE."""
    return duration((now - time).total_seconds()) if time else ""


def moment(time: datetime | None, *, now: datetime) -> str:
    """A time as `12m ago (2026-11-24 13:00:05 UTC)`."""
    if time is None:
        return "at an unknown time"
    seconds = (now - time).total_seconds()
    relative = f"{duration(seconds)} ago" if seconds >= 0 else f"in {duration(-seconds)}"
    return f"{relative} ({time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC)"


def since(time: datetime | None, *, now: datetime) -> str:
    """A time as `since 2026-11-24 13:00:05 UTC, for 12m`."""
    if time is None:
        return "since an unknown time"
    return f"since {time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, for {duration((now - time).total_seconds())}"


def until(time: datetime | None, *, now: datetime) -> str:
    """A time to come as `until 2026-11-24 13:00:05 UTC, for 12m more`."""
    if time is None:
        return "until an unknown time"
    left = f", for {duration((time - now).total_seconds())} more" if time > now else ""
    return f"until {time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC{left}"


def short(digest: str) -> str:
    """The beginning of a digest, as the operator's own messages have it."""
    return digest[:DIGEST_SHOWN] if digest.startswith("sha256:") else digest


def count(number: int | None, noun: str) -> str:
    """`1 row`, `1,000 rows`."""
    if number is None:
        return f"an unknown number of {noun}s"
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(number: int | None) -> str:
    """A number of bytes, such as `1.2 MiB`."""
    if number is None:
        return "of unknown size"
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
