"""Fine-tune a trained GAN on a few pictures of another kind, with frozen early layers.

    python docs/examples/fine_tune.py

The new pictures are 100 digits as if written with a broad pen. From scratch they are far too few; a
GAN that has learned from 60,000 ordinary digits only has to change its strokes. Frozen early layers
of the discriminator keep what it knows of strokes from fading (FreezeD, Mo et al. 2020, arXiv
2002.10964). The script prints the Frechet distance of each GAN to other broad digits and saves a
grid of its samples.
"""

import random

import numpy as np
from skimage import morphology

import kerasgan


def write_broadly(digits):
    pen = np.ones((1, 3, 3, 1))
    return morphology.dilation(digits, pen)


def main(steps=300, num_frozen=(0, 5), count=100, data_path=None):
    digits, _ = kerasgan.datasets.load_mnist("test", data_path)
    broad = write_broadly(digits)
    few, others = broad[:count], broad[count:]
    evaluator = kerasgan.metrics.Evaluator(others, kerasgan.metrics.mnist_encoder(), count=2000)

    gans = {}
    for number in num_frozen:
        gan = kerasgan.load_pretrained("mnist")
        for layer in gan.discriminator.layers[:number]:
            layer.trainable = False
        gans[f"tuned_{number}_frozen"] = gan
    random.seed(0)
    gans["scratch"] = kerasgan.build_dcgan(image_shape=(28, 28, 1), filters=32)

    for name, gan in gans.items():
        gan.compile(ema=0.99)  # after freezing: the optimizers get what is left
        gan.fit(few, batch_size=50, steps=steps)
        scores = evaluator(gan)
        print(f"{name}: {scores['frechet_distance']:.2f}")
        kerasgan.image_grid(gan.sample(64, seed=0)).save(f"fine_tune_{name}.png")
    return gans


if __name__ == "__main__":
    main()
