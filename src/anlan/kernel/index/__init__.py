"""The record index: how every record is found by words, whatever its form."""

from anlan.kernel.index.tokens import query_of, tokens_of

__all__ = ["query_of", "tokens_of"]
