"""A decision as the page of a question posts it."""

from tests.web.conftest import decision_form


def post(client, question, kind="approve", **more):
    path = f"/review/{question.pk}/decision"
    return client.post(path, decision_form(question, kind, **more))
