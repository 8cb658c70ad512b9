"""One distribution: what an instance needs, and with the extra ``server`` what the metadata server needs."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = next(
    line.split('"')[1] for line in (HERE / "blockstore/__init__.py").read_text().splitlines() if line.startswith("__version__")
)

setup(
    name="cloud-init-blockstore",
    version=VERSION,
    description="Network volumes of a cloud instance, attached, formatted once and mounted at boot",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    python_requires=">=3.10",
    # DataSourceBlockStore must be a top-level module (cloud-init then finds it without any datasource_pkg_list).
    package_dir={
        "": "datasource",
        "blockstore": "blockstore",
        "blockstore.templates": "templates",
        "cc_blockstore": "cc_blockstore",
        "metadata_server": "metadata_server",
    },
    py_modules=["DataSourceBlockStore"],
    packages=[
        "blockstore.templates",
        *(name for name in find_packages(str(HERE)) if name.split(".")[0] in ("blockstore", "cc_blockstore", "metadata_server")),
    ],
    package_data={"blockstore.templates": ["**/*.j2", "*.j2"], "blockstore": ["py.typed"]},
    install_requires=["PyYAML", "Jinja2", "requests"],
    extras_require={
        "server": [
            *("fastapi", "uvicorn", "httptools", "uvloop", "sqlalchemy>=2.0", "alembic", "pydantic>=2"),
            *("click", "rich", "pycdlib", "prometheus-client", "cryptography"),
        ],
        "postgresql": ["psycopg[binary]>=3.1"],
        "lio": ["rtslib-fb"],
        "bench": ["matplotlib"],
        "cinder": ["keystoneauth1"],  # engine = "cinder"
        "test": [
            *(
                "pytest",
                "pytest-xdist",
                "pytest-timeout",
                "hypothesis",
                "pyfakefs",
                "httpx",
                "openstacksdk",
                "python-openstackclient",
                "python-cinderclient",
                "mfusepy",
            ),
            *("schemathesis", "trustme"),
            "selenium",  # drives chromium-driver
            *("mypy", "ruff", "types-PyYAML", "types-requests"),
            *("configobj", "jsonpatch", "jsonschema", "oauthlib"),  # what cloud-init itself imports
            "psycopg[binary]>=3.1",
            "rtslib-fb",
        ],
    },
    entry_points={
        "console_scripts": [
            "blockstore=cc_blockstore.command:main",
            "blockstore-server=metadata_server.command:main [server]",
        ]
    },
)
