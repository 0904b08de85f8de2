"""Metadata is in pyproject.toml; this file only maps templates/ into the package as eqsnn.templates."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["eqsnn", "eqsnn.*"]), "eqsnn.templates"],
    package_dir={"eqsnn.templates": "templates"},
    package_data={
        "eqsnn.language": ["*.lark", "parse_tables/*.json"],
        "eqsnn.templates": ["**/*"],
    },
)
