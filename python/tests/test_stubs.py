"""The stubs say what the package has."""

import ast
import pathlib

import balloonist

STUBS = ast.parse(pathlib.Path(balloonist.__file__).with_name("__init__.pyi").read_text())


def named(body):
    """The public names of a module or a class."""
    names = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def classes():
    return {node.name: node for node in STUBS.body if isinstance(node, ast.ClassDef)}


def test_every_name_has_a_stub():
    assert named(STUBS.body) == set(balloonist.__all__)
    assert pathlib.Path(balloonist.__file__).with_name("py.typed").exists()


def test_every_method_has_a_stub():
    for name in balloonist.__all__:
        value = getattr(balloonist, name)
        if isinstance(value, type):
            stub = classes()[name]
            bases = [classes()[base.id] for base in stub.bases if base.id in classes()]
            stubbed = named(stub.body).union(*(named(base.body) for base in bases))
            assert stubbed == {part for part in vars(value) if not part.startswith("_")}, name


def test_parameters_are_those_of_the_stubs():
    for stub in (node for node in ast.walk(STUBS) if isinstance(node, ast.FunctionDef)):
        owners = [name for name, node in classes().items() if stub in node.body]
        owner = getattr(balloonist, owners[0], None) if owners else balloonist
        if owner is None or stub.name.startswith("__"):
            continue
        signature = getattr(getattr(owner, stub.name), "__text_signature__", None)
        if signature is None:
            continue  # A property.
        for argument in [*stub.args.args, *stub.args.kwonlyargs]:
            assert argument.arg in signature, f"{stub.name}: {argument.arg}"
