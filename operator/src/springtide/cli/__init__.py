"""`kubectl springtide`: what people ask of a namespace, answered from its objects alone.

A layer of its own beside the operator: it needs a kubeconfig and the rights of its user, and knows only the names in
`springtide.api.constants`. Kinds, their plurals and short names come from the API server, so that a kind that this
version has never heard of is shown all the same; `kinds` says what is special about those it knows.
"""
