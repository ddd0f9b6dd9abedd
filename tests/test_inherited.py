"""What a GAN inherits from `keras.Model`: it works, or says what to call; none of it does harm."""

import contextlib
import json

import keras
import numpy as np
import pytest
from models import dense_pair, pictures, same, state

import kerasgan

LATENTS = np.zeros((2, 4), "float32")


def values(variables):
    return [variable.value for variable in variables]


def save_and_load_own(gan):
    store = {}
    gan.save_own_variables(store)
    gan.load_own_variables(store)


def save_and_load_weights(gan):
    gan.save_weights("gan.weights.h5")
    gan.load_weights("gan.weights.h5")


def rebuild(gan):
    return kerasgan.GAN.from_config(gan.get_config())


def recompile(gan):
    rebuild(gan).compile_from_config(gan.get_compile_config())


# Everything that Keras 3.15 gives a model, and a call of it, or None for an attribute.
WORKS = {
    **dict.fromkeys(("compute_dtype", "dtype", "dtype_policy", "input_dtype", "input_spec")),
    **dict.fromkeys(("layers", "losses", "metrics", "metrics_names", "metrics_variables")),
    **dict.fromkeys(("non_trainable_variables", "non_trainable_weights", "path")),
    **dict.fromkeys(("quantization_mode", "jit_compile", "run_eagerly", "supports_masking")),
    **dict.fromkeys(("trainable", "trainable_variables", "trainable_weights")),
    **dict.fromkeys(("variable_dtype", "variables", "weights")),
    "build": lambda gan: gan.build((None, 4)),
    "build_from_config": lambda gan: gan.build_from_config({"input_shape": (None, 4)}),
    "call": lambda gan: gan.call(LATENTS),
    "compile": lambda gan: rebuild(gan).compile(),
    "compile_from_config": recompile,
    "compute_mask": lambda gan: gan.compute_mask(LATENTS, None),
    "compute_metrics": lambda gan: gan.compute_metrics(LATENTS, LATENTS, LATENTS),
    "compute_output_shape": lambda gan: gan.compute_output_shape((None, 4)),
    "compute_output_spec": lambda gan: gan.compute_output_spec(keras.KerasTensor((2, 4))),
    "count_params": lambda gan: gan.count_params(),
    "export": lambda gan: gan.export("gan.onnx" if keras.config.backend() == "torch" else "gan"),
    "from_config": rebuild,
    "get_build_config": lambda gan: gan.get_build_config(),
    "get_compile_config": lambda gan: gan.get_compile_config(),
    "get_config": lambda gan: gan.get_config(),
    "get_layer": lambda gan: gan.get_layer(gan.generator.name),
    "get_metrics_result": lambda gan: gan.get_metrics_result(),
    "get_quantization_layer_structure": lambda gan: gan.get_quantization_layer_structure("int8"),
    "get_state_tree": lambda gan: gan.get_state_tree(),
    "get_weights": lambda gan: gan.get_weights(),
    "load_own_variables": save_and_load_own,
    "load_weights": save_and_load_weights,
    "make_predict_function": lambda gan: gan.make_predict_function(),
    "make_test_function": lambda gan: gan.make_test_function(),
    "rematerialized_call": lambda gan: gan.rematerialized_call(gan.call, LATENTS),
    "reset_metrics": lambda gan: gan.reset_metrics(),
    "save": lambda gan: gan.save("gan.keras"),
    "save_own_variables": save_and_load_own,
    "save_weights": save_and_load_weights,
    "set_state_tree": lambda gan: gan.set_state_tree(gan.get_state_tree()),
    "set_weights": lambda gan: gan.set_weights(gan.get_weights()),
    "stateless_call": lambda gan: gan.stateless_call(
        values(gan.trainable_variables), values(gan.non_trainable_variables), LATENTS
    ),
    "summary": lambda gan: gan.summary(print_fn=lambda *arguments, **options: None),
    "symbolic_call": lambda gan: gan.symbolic_call(keras.KerasTensor((2, 4))),
    "to_json": lambda gan: json.loads(gan.to_json()),
}
# The same, with a part of the message.
REFUSED = {
    "add_loss": (lambda gan: gan.add_loss(0.0), "can only be called from inside"),
    "add_metric": (lambda gan: gan.add_metric(keras.metrics.Mean()), "deprecated"),
    "compute_loss": (lambda gan: gan.compute_loss(LATENTS), "gan.train_on_batch"),
    "evaluate": (lambda gan: gan.evaluate(LATENTS), "kerasgan.metrics.Evaluator"),
    "input": (lambda gan: gan.input, "input"),
    "make_train_function": (lambda gan: gan.make_train_function(), "gan.train_on_batch"),
    "output": (lambda gan: gan.output, "output"),
    "predict": (lambda gan: gan.predict(LATENTS), "gan.sample"),
    "predict_on_batch": (lambda gan: gan.predict_on_batch(LATENTS), "gan.sample"),
    "predict_step": (lambda gan: gan.predict_step(LATENTS), "gan.sample"),
    "quantize": (lambda gan: gan.quantize("int8"), "gan.sampling_generator"),
    "quantized_build": (lambda gan: gan.quantized_build((None, 4), "int8"), "quantized_build"),
    "quantized_call": (lambda gan: gan.quantized_call(LATENTS), "quantization mode"),
    "stateless_compute_loss": (
        lambda gan: gan.stateless_compute_loss(
            *(values(gan.trainable_variables), values(gan.non_trainable_variables), []),
            *(LATENTS, None, LATENTS, None),
        ),
        "gan.train_on_batch",
    ),
    "test_on_batch": (lambda gan: gan.test_on_batch(LATENTS), "gan.score"),
    "test_step": (lambda gan: gan.test_step(LATENTS), "gan.score"),
    "train_step": (lambda gan: gan.train_step(LATENTS), "gan.train_on_batch"),
}
# These add a variable, for the code of a subclass, or train.
CHANGE_IT = {"add_variable", "add_weight", "fit", "train_on_batch"}
# Those of Keras's trainers, of which each backend has its own.
OF_TRAINERS = {
    *(f"make_{name}_function" for name in ("predict", "test", "train")),
    *(f"{name}_step" for name in ("predict", "test", "train")),
}


@pytest.fixture(scope="module")
def trained():
    gan = dense_pair()
    gan.train_on_batch(pictures(4, gan))
    return gan


def fingerprint(gan):
    """All that a method could damage, apart from the arrays."""
    return (
        [variable.trainable for variable in gan.variables],
        [variable.path for variable in gan.variables],
        id(gan.combined),
        id(gan.g_optimizer),
        id(gan.d_optimizer),
        gan.get_compile_config(),
    )


def test_every_method_of_keras_has_been_looked_at():
    found = {
        name
        for kind in keras.Model.__mro__
        if kind.__module__.startswith("keras.") and ".backend." not in kind.__module__
        for name in vars(kind)
        if not name.startswith("_")
    }
    assert found | OF_TRAINERS == {*WORKS, *REFUSED, *CHANGE_IT}


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")
@pytest.mark.parametrize("name", sorted({*WORKS, *REFUSED}))
def test_an_inherited_method_does_no_harm(trained, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    before = state(trained), fingerprint(trained)
    if name in REFUSED:
        call, message = REFUSED[name]
        kinds = (AttributeError, NotImplementedError, ValueError)
        with pytest.raises(kinds, match=message), contextlib.redirect_stdout(None):
            call(trained)
    elif WORKS[name] is None:
        getattr(trained, name)
    else:
        WORKS[name](trained)
    assert same(state(trained), before[0])
    assert fingerprint(trained) == before[1]


def test_after_all_of_them_training_goes_on(trained):
    before = trained.get_weights()
    trained.train_on_batch(pictures(4, trained))
    assert not any(map(np.array_equal, before, trained.get_weights()))
