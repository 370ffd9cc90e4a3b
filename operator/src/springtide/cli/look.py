"""One look at everything in a namespace."""

from springtide.cli.errors import CommandError, Exit
from springtide.cli.kinds.view import Namespace
from springtide.cli.server import Resource, Server


def look(server: Server, kinds: tuple[Resource, ...]) -> Namespace:
    """All objects. What the user may not list is told of; other failures and an unknown namespace raise."""
    objects, unreadable = {}, {}
    for resource in kinds:
        try:
            objects[resource.kind] = tuple(server.all(resource))
        except CommandError as error:
            if error.code is not Exit.FORBIDDEN:
                raise
            unreadable[resource.kind] = error.message
    if not any(objects.values()) and not unreadable and not server.has_namespace():
        raise CommandError(f"there is no namespace {server.namespace}", Exit.NOT_FOUND)
    return Namespace(server.namespace, objects, unreadable)
