"""Whole documents for property tests: any that the model accepts, whether or not their cells exist."""

from hypothesis import strategies as st

from pypipeline_engine.graph.model import Document

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
names = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="."), min_size=1, max_size=14)
finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | words,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
labels = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)
parameters = st.dictionaries(labels, values, max_size=3)
amounts = st.integers(0, 9) | st.floats(0, 9)
scales = st.fixed_dictionaries(
    {},
    optional={
        "thread": st.integers(0, 9),
        "ray": st.integers(0, 9),
        "queue_capacity": st.integers(1, 99),
        "ray_options": st.fixed_dictionaries(
            {}, optional={"num_cpus": amounts, "resources": st.dictionaries(labels, amounts, max_size=2)}
        ),
    },
)
policies = st.sampled_from(["fail", "skip"]) | st.fixed_dictionaries(
    {"retry": st.integers(0, 9), "then": st.sampled_from(["fail", "skip"])}
)
connections = st.lists(st.tuples(labels, labels) | st.tuples(labels, labels, st.just("recurrent")), max_size=4).map(
    lambda entries: [list(entry) for entry in entries]
)
common = {
    "parameters": parameters,
    "scale": scales,
    "on_error": policies,
    "initial_values": parameters,
    "disabled": st.booleans(),
    "bypassed": st.booleans(),
}
single = st.fixed_dictionaries({"type": labels.filter(lambda name: name != "Pipeline")}, optional=common)
views = st.dictionaries(words, values, max_size=3)
ports = st.lists(names, unique=True, max_size=3)
cells = st.recursive(
    single,
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("Pipeline")},
        optional={
            **common,
            "inputs": ports,
            "outputs": ports,
            "cells": st.dictionaries(names, inner, max_size=4),
            "connections": connections,
            "view": views,
        },
    ),
    max_leaves=8,
)
documents = st.fixed_dictionaries(
    {"cells": st.dictionaries(names, cells, max_size=5)},
    optional={"name": names, "libraries": st.lists(labels, max_size=2), "connections": connections, "view": views},
).map(lambda more: Document.model_validate({"format": "pypipeline.graph", "version": 1, **more}))
