#!/usr/bin/env python3
"""The cures for blur, side by side: one data set of photographs, one budget, networks of one size.

    blur.py --data cifar10.npz --out FOLDER [--zoo vae-zoo] [--epochs 2] [--threads 1] [--only NAME,…]

Trains a classifier, whose features compare images, and one model for each cure; measures each on the split `valid`;
draws its reconstructions and samples; and prints a table with a row for each. What stands in the folder already is not
made again, so that a stopped run goes on where it was. The table of docs/blur.md has longer trainings, each with a
budget and settings of its own, by the commands in docs/results.md; `strips.py` makes its pictures.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import time

# Name, variant, settings. Convolutions of one size and 128 latent units, or 8×8 codes, for all.
CONV = ["--set", "architecture=conv"]
UNITS = CONV + ["--set", "latent=128"]
CURES: dict[str, list[str]] = {
    "gaussian": ["gaussian-vae", *UNITS],
    "laplace": ["gaussian-vae", *UNITS, "--set", "likelihood=laplace"],
    "logistic": ["gaussian-vae", *UNITS, "--set", "likelihood=logistic"],
    "log-cosh": ["log-cosh-vae", *UNITS],
    "multiscale": ["multiscale-vae", *UNITS],
    "conditional coupling": ["gaussian-vae", *UNITS, "--set", "likelihood=conditional-coupling"],
    "output on several scales": ["gaussian-vae", *UNITS, "--set", "decoder.output=multiscale"],
    "absolute errors": ["ms-ssim-vae", *UNITS, "--set", "objective.share=0"],
    "ms-ssim": ["ms-ssim-vae", *UNITS],
    "perceptual": ["perceptual-vae", *UNITS, "--set", "network=NETWORK"],
    "vae-gan": ["vae-gan", "--set", "latent=128"],
    "vq-vae": ["vq-vae", *CONV],
    "vqgan": ["vqgan", *CONV, "--set", "objective.discriminator_start=START"],
}
METRICS = "elbo,rate,psnr,ssim,sharpness,frechet_distance"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="an .npz file with splits train and valid, and labels")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--zoo", default="vae-zoo")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="names of cures with commas between them")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    limits = ["--threads", str(options.threads)]

    def zoo(*arguments: str, log: str) -> str:
        with open(options.out / f"{log}.log", "a") as file:
            print("vae-zoo", *arguments, file=file, flush=True)
            done = subprocess.run(
                [options.zoo, *arguments, *limits], stdout=subprocess.PIPE, stderr=file, text=True)
            print(done.stdout, file=file)
        if done.returncode:
            sys.exit(f"vae-zoo {' '.join(arguments)} ended with {done.returncode}; see {log}.log")
        return done.stdout

    network = str(options.out / "classifier.safetensors")
    if not pathlib.Path(network).exists():
        zoo("classifier", "--data", options.data, "--out", network, "--epochs", "5", log="classifier")
    names = options.only.split(",") if options.only else list(CURES)
    rows = []
    for name in names:
        place = name.replace(" ", "-")
        run = str(options.out / place)
        measured = options.out / f"{place}.json"
        if not measured.exists():
            # The discriminator begins when half of the updates have been made.
            start = str(options.epochs * 156)
            settings = [word.replace("NETWORK", network).replace("START", start) for word in CURES[name]]
            shutil.rmtree(run, ignore_errors=True)
            begun = time.monotonic()
            zoo(
                "train", *settings, "--data", options.data, "--out", run, "--epochs", str(options.epochs),
                "--seed", str(options.seed), log=place)
            seconds = time.monotonic() - begun
            data = ["--data", options.data, "--split", "valid"]
            found = json.loads(
                zoo("evaluate", run, *data, "--network", network, "--metrics", METRICS, "--json", log=place))
            found["minutes"] = seconds / 60
            zoo("reconstruct", run, *data, "--count", "8", "--out", f"{run}-back.png", log=place)
            zoo("sample", run, "--count", "16", "--out", f"{run}-drawn.png", log=place)
            measured.write_text(json.dumps(found))
        rows.append((name, json.loads(measured.read_text())))
    print("| cure | PSNR, dB | SSIM | sharpness of reconstructions | of samples | Fréchet distance of reconstructions | of samples |")
    print("|---|---|---|---|---|---|---|")
    for name, found in rows:
        sharp, far = found["sharpness"], found["frechet_distance"]
        print(
            f"| {name} | {found['psnr']:.2f} | {found['ssim']:.3f} | {sharp['reconstructions']:.3f} | {sharp['samples']:.3f} "
            f"| {far['reconstructions']:.3g} | {far['samples']:.3g} |")


if __name__ == "__main__":
    main()
