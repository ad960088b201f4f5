"""template.yaml as CloudFormation sees it: through the SAM translator, without AWS or a build."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

REGION = "us-east-1"
_FUNCTION = "AWS::Serverless::Function"
_LAYER = "AWS::Serverless::LayerVersion"
_ARTEFACT_PROPERTIES = {_FUNCTION: "CodeUri", _LAYER: "ContentUri"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSource:
    """Where the parts of a function lie in this repository.

    Attributes:
        code: Folder that becomes /var/task.
        handler: `module.function`.
        layers: Folders whose content becomes /opt/python, in the template's order.
    """

    code: Path
    handler: str
    layers: tuple[Path, ...]


def load(template_path: Path) -> dict[str, Any]:
    """Read a SAM template; short intrinsics such as `!Ref` become their long form."""
    template: dict[str, Any] = yaml_parse(template_path.read_text(encoding="utf-8"))
    return template


def transform(template_path: Path, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the plain CloudFormation template that a deployment of the file would create.

    Args:
        template_path: The SAM template.
        parameters: Values that become the defaults of the template's parameters.

    Raises:
        KeyError: A parameter is not one of the template's.
    """
    return transform_loaded(load(template_path), parameters)


def transform_loaded(
    template: dict[str, Any], parameters: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Transform what `load` returned, as `transform` does; the argument is used up."""
    for name, value in (parameters or {}).items():
        template["Parameters"][name]["Default"] = value
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] in _ARTEFACT_PROPERTIES:
            # The translator refuses local folders: the real pipeline has uploaded them by now.
            uri = f"s3://local/{logical_id}.zip"
            resource["Properties"][_ARTEFACT_PROPERTIES[resource["Type"]]] = uri
    # It warns on every run that an internal feature switch has no configuration.
    logging.getLogger("samtranslator.feature_toggle").setLevel(logging.ERROR)
    translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=REGION))
    transformed: dict[str, Any] = translator.translate(template, parameter_values={})
    return transformed


def function_sources(template_path: Path) -> Mapping[str, FunctionSource]:
    """Find every function's folders, by logical id, in the untransformed template."""
    template = load(template_path)
    root = template_path.resolve().parent
    resources: dict[str, Any] = template["Resources"]
    defaults = template.get("Globals", {}).get("Function", {})
    return {
        logical_id: _source(defaults | resource["Properties"], resources=resources, root=root)
        for logical_id, resource in resources.items()
        if resource["Type"] == _FUNCTION
    }


def _source(
    properties: Mapping[str, Any], *, resources: Mapping[str, Any], root: Path
) -> FunctionSource:
    layers = [resources[layer["Ref"]]["Properties"] for layer in properties.get("Layers", ())]
    return FunctionSource(
        code=root / properties["CodeUri"],
        handler=properties["Handler"],
        layers=tuple(root / layer["ContentUri"] for layer in layers),
    )
