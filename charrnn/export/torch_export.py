"""Export to PyTorch: the weights under the names of a module's `state_dict`, and that module without charrnn."""

from charrnn.export.directory import MODEL_SCRIPT, VOCABULARY, Export, json_writer, text_writer
from charrnn.export.templates import network_features, network_values, render
from charrnn.network.model_file import Model, save_model

WEIGHTS = "model.safetensors"
"""name of the model file, which charrnn can read too"""


def torch_export(model: Model) -> Export:
    """Return the export of a model to PyTorch."""
    script = render("torch_model", network_features(model), network_values(model))
    return Export(
        files={
            WEIGHTS: lambda path: save_model(path, model),
            VOCABULARY: json_writer(list(model.vocabulary.characters)),
            MODEL_SCRIPT: text_writer(script),
        },
        usage="python {directory}/model.py --length 500",
        needs="torch safetensors",
    )
