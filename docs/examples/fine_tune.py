"""Fine-tune a trained GAN on a folder of your own, with the discriminator's early layers frozen.

    python docs/examples/fine_tune.py

Early layers of a discriminator see edges and colours: keeping them from a GAN that was trained on
other images can steady training on few images (FreezeD, Mo et al. 2020, arXiv 2002.10964). Here,
the emoji model learns flags. The script writes a grid of each GAN, fine-tuned and trained from
scratch for the same number of steps: compare them, because frozen layers may not suit the images.
"""

import random

import kerasgan

FLAGS = "datasets/flags"


def main(steps=300, num_frozen=4, folder=FLAGS):
    flags = kerasgan.datasets.ImageFolder(folder, image_shape=(32, 32, 3), batch_size=43)

    tuned = kerasgan.load_pretrained("emoji")
    for layer in tuned.discriminator.layers[:num_frozen]:
        layer.trainable = False
    tuned.compile(ema=0.99)  # after freezing: the optimizers get what is left

    random.seed(0)
    scratch = kerasgan.build_dcgan(image_shape=(32, 32, 3), filters=32)
    scratch.compile(ema=0.99)

    for name, gan in (("tuned", tuned), ("scratch", scratch)):
        gan.fit(flags, steps=steps)
        kerasgan.image_grid(gan.sample(64, seed=0)).save(f"fine_tune_{name}.png")
    return tuned, scratch


if __name__ == "__main__":
    main()
