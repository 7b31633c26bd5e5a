"""A model's networks as arrays, without torch."""

from gancli.artifacts.model import AnyModel, misfit
from gancli.sampling.engines.numpy import ArrayNetworks
from gancli.sampling.engines.numpy.parameters import Misfit, Parameters


def load_arrays(model: AnyModel) -> ArrayNetworks:
    """Return a model's networks, whose modality has some for numpy; all is checked first.

    Raises:
        GancliError: The weights are damaged, or do not fit the model's spec and config.
    """
    _build(model, Parameters.planned(model.weights.shapes))  # before the file is read
    return _build(model, Parameters(model.weights.read()))


def parameter_counts(model: AnyModel) -> dict[str, int]:
    """Return the number of weights of each network that are learned.

    Raises:
        GancliError: The weights do not fit the model's spec and config.
    """
    parameters = Parameters.planned(model.weights.shapes)
    _build(model, parameters)
    return parameters.counts()


def _build(model: AnyModel, parameters: Parameters) -> ArrayNetworks:
    assert model.modality.inference is not None
    try:
        networks: ArrayNetworks = model.modality.inference()(model.spec, model.config, parameters)
        parameters.finish()
    except Misfit as error:
        raise misfit(model.weights.name, str(error)) from error
    return networks
