"""What a client is told of a request that cannot be answered."""


class RefusedError(Exception):
    """The request is wrong. code: of HTTP, 4xx. Its text says what, in which input, and what is expected."""

    def __init__(self, message: str, *, code: int = 400) -> None:
        super().__init__(message)
        self.code = code
