"""Forms as a browser posts them."""

from django.http import QueryDict

from workflows.web.forms import Form


def posted(pairs):
    data = QueryDict(mutable=True)
    for name, value in pairs.items():
        data[name] = value
    return data


def one(schema, raw, proposed=...):
    """Read one top-level control."""
    extra = {} if proposed is ... else {"proposed": proposed}
    return Form(schema).read(posted({} if raw is None else {"v": raw}), **extra)
