"""What should happen, decided without looking: no client, clock, framework or event loop in here.

One folder per kind. Each has a `snapshot` (what is) and a `decide` (what should be); everything else in the folder
is one policy or one builder.
"""
