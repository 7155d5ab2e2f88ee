"""The OpenAPI document: what drf-spectacular makes of the views."""

from drf_spectacular.openapi import AutoSchema

__all__ = ["AutoSchema"]
