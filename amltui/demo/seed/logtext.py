"""Texts of container logs, in the shapes that the two generations of serving images print.

Templates may name `{run}` (runit prefix), `{log}` (logger time), `{clf}` (access log time) and the
random values of `amltui.demo.logs`; literal braces are doubled.
"""

# ruff: noqa: E501 - lines of logs are as long as they are

from __future__ import annotations

from amltui.demo.logs import Beat, Script

# The generation with azmlinfsrv: run() failures answer 500.
_NEW_START: Script = (
    (0.0, "{run}"),
    (0.0, "{run}###############################################"),
    (0.0, "{run}AzureML Container Runtime Information"),
    (0.0, "{run}###############################################"),
    (0.1, "{run}AzureML image information: openmpi4.1.0-ubuntu22.04, build 20260412.v1"),
    (0.1, "{run}PATH environment variable: /opt/miniconda/envs/amlenv/bin:/usr/local/bin:/usr/bin"),
    (0.1, "{run}PYTHONPATH environment variable: "),
    (0.2, "{run}Entry script directory: /var/azureml-app/."),
    (0.2, "{run}Dynamic Python package installation is disabled."),
    (0.3, "{run}AzureML Inference Server"),
    (2.1, "Azure ML Inferencing HTTP server v1.5.1"),
    (2.1, ""),
    (2.1, "Server Settings"),
    (2.1, "---------------"),
    (2.1, "Entry Script Name: /var/azureml-app/score.py"),
    (2.1, "Model Directory: /var/azureml-app/azureml-models"),
    (2.1, "Config File: None"),
    (2.1, "Worker Count: 1"),
    (2.1, "Worker Timeout (seconds): 300"),
    (2.1, "Server Port: 31311"),
    (2.1, "Application Insights Enabled: false"),
    (2.1, "CORS for the specified origins: None"),
    (2.1, ""),
    (2.1, "Server Routes"),
    (2.1, "---------------"),
    (2.1, "Liveness Probe: GET   127.0.0.1:31311/"),
    (2.1, "Score:          POST  127.0.0.1:31311/score"),
    (2.1, ""),
    (2.4, "{log} I [12] gunicorn.error - Starting gunicorn 23.0.0"),
    (2.4, "{log} I [12] gunicorn.error - Listening at: http://0.0.0.0:31311 (12)"),
    (2.4, "{log} I [12] gunicorn.error - Using worker: sync"),
    (2.5, "{log} I [31] gunicorn.error - Booting worker with pid: 31"),
)
_NEW_READY: Script = (
    (2.9, "Initializing logger"),
    (2.9, "{log} I [31] azmlinfsrv - Starting up app insights client"),
    (4.8, "{log} I [31] azmlinfsrv.user_script - Found user script at /var/azureml-app/score.py"),
    (
        4.8,
        "{log} I [31] azmlinfsrv.user_script - run() is not decorated. Server will invoke it with the input in JSON string.",
    ),
    (4.8, "{log} I [31] azmlinfsrv.user_script - Invoking user's init function"),
    (6.2, "{log} I [31] azmlinfsrv.print - model {name} loaded, warm-up done"),
    (6.3, "{log} I [31] azmlinfsrv.user_script - Users's init has completed successfully"),
    (
        6.3,
        "{log} I [31] azmlinfsrv.swagger - Swaggers are prepared for the following versions: [2, 3, 3.1].",
    ),
    (6.3, "{log} I [31] azmlinfsrv - Scoring timeout is set to 60000"),
    (6.3, "{log} I [31] azmlinfsrv - Worker with pid 31 ready for serving traffic"),
)
NEW_HEALTHY = _NEW_START + _NEW_READY

# The older generation with its own logger: run() failures answer 502.
_OLD_START: Script = (
    (0.0, "{run}"),
    (0.0, "{run}AzureML image information: intelmpi2018.3-ubuntu18.04, build 20220504.v1"),
    (0.0, "EdgeHubConnectionString and IOTEDGE_IOTHUBHOSTNAME are not set. Exiting..."),
    (0.1, "{run}Exit code 1 is normal. Not restarting iot-server."),
    (1.0, "Starting gunicorn 20.1.0"),
    (1.0, "Listening at: http://127.0.0.1:31311 (12)"),
    (1.0, "Using worker: sync"),
    (1.0, "worker timeout is set to 300"),
    (1.1, "Booting worker with pid: 38"),
    (1.9, "SPARK_HOME not set. Skipping PySpark Initialization."),
    (1.9, "Initializing logger"),
    (2.0, "{log} | root | INFO | Starting up app insights client"),
    (2.0, "{log} | root | INFO | Starting up request id generator"),
    (2.0, "{log} | root | INFO | Starting up app insight hooks"),
    (2.1, "{log} | root | INFO | Invoking user's init function"),
)
_OLD_READY: Script = (
    (4.6, "{log} | root | INFO | Users's init has completed successfully"),
    (4.6, "{log} | root | INFO | Skipping middleware: dbg_model_info as it's not enabled."),
    (4.6, "{log} | root | INFO | Skipping middleware: dbg_resource_usage as it's not enabled."),
    (4.6, "{log} | root | INFO | Scoring timeout is found from os.environ: 60000 ms"),
)
OLD_HEALTHY = _OLD_START + _OLD_READY

_NEW_REQUEST: Script = (
    (0.0, "{log} I [31] azmlinfsrv - POST /score 200 {ms}ms {size}"),
    (
        0.001,
        '{log} I [31] gunicorn.access - 127.0.0.1 - - [{clf}] "POST /score HTTP/1.0" 200 {size} "-" "Go-http-client/1.1"',
    ),
)
_NEW_PRINT: Script = (
    (0.0, "{log} I [31] azmlinfsrv.print - scored {rows} rows, request id {rid}"),
    (0.002, "{log} I [31] azmlinfsrv - POST /score 200 {ms}ms {size}"),
)
_PROBE: Script = (
    (
        0.0,
        '{log} I [31] gunicorn.access - {ip} - - [{clf}] "GET / HTTP/1.1" 200 7 "-" "kube-probe/1.31"',
    ),
)
_OLD_REQUEST: Script = (
    (0.0, "{log} | root | INFO | Scoring Timer is set to 60.0 seconds"),
    (0.02, "{log} | root | INFO | 200"),
    (0.02, '127.0.0.1 - - [{clf}] "POST /score HTTP/1.0" 200 {size} "-" "Go-http-client/1.1"'),
)


def new_traffic(every: float, *, probes: bool = True) -> Beat:
    """Return request lines of the new image, with Kubernetes' probes in between on AKS."""
    requests = (_NEW_REQUEST, _NEW_PRINT, _NEW_REQUEST, _NEW_REQUEST)
    return Beat(every, (*requests, _PROBE) if probes else requests)


def old_traffic(every: float) -> Beat:
    """Return request lines of the old image."""
    return Beat(every, (_OLD_REQUEST,))


# run() starts and then meets rows that it cannot take.
_OLD_FAILURE: Script = (
    (0.0, "{log} | root | INFO | Scoring Timer is set to 60.0 seconds"),
    (0.01, "{log} | root | ERROR | Encountered Exception: Traceback (most recent call last):"),
    (0.01, '  File "/var/azureml-server/app.py", line 268, in handle_score'),
    (
        0.01,
        "    timed_result = main.user_script.invoke_run(request, timeout_ms=config.scoring_timeout)",
    ),
    (0.01, '  File "/var/azureml-app/score.py", line 31, in run'),
    (0.01, "    frame = pd.DataFrame(rows, columns=COLUMNS)"),
    (0.01, "ValueError: 9 columns passed, passed data had 4 columns"),
    (0.02, '127.0.0.1 - - [{clf}] "POST /score HTTP/1.0" 502 74 "-" "Go-http-client/1.1"'),
)
FAILING_TRAFFIC = Beat(9.0, (_OLD_FAILURE,))

_SLOW: Script = (
    (0.0, "{log} I [31] azmlinfsrv.print - batch of {rows} documents queued, request id {rid}"),
    (2.0, "{log} I [31] azmlinfsrv - POST /score 200 {slow_ms}ms {size}"),
)
SLOW_TRAFFIC = Beat(14.0, (_SLOW, _SLOW, _PROBE))

# A worker that blocks is killed by gunicorn's own timeout, and the next one takes over.
_TIMEOUT: Script = (
    (0.0, "{log} C [12] gunicorn.error - WORKER TIMEOUT (pid:{pid_before})"),
    (0.1, "{log} I [{pid_before}] gunicorn.error - Worker exiting (pid: {pid_before})"),
    (
        1.1,
        "{log} E [12] gunicorn.error - Worker (pid:{pid_before}) was sent SIGKILL! Perhaps out of memory?",
    ),
    (1.2, "{log} I [{next_pid}] gunicorn.error - Booting worker with pid: {next_pid}"),
    (6.0, "{log} I [{next_pid}] azmlinfsrv.user_script - Invoking user's init function"),
    (
        7.0,
        "{log} I [{next_pid}] azmlinfsrv.print - waiting for the road graph at graph.contoso.invalid:7687",
    ),
)
TIMEOUT_LOOP = Beat(312.0, (_TIMEOUT,), jitter=0.02)

# No traceback between the boots: the kernel takes the worker while it loads the model.
_REBOOT: Script = (
    (0.0, "Booting worker with pid: {next_pid}"),
    (1.0, "SPARK_HOME not set. Skipping PySpark Initialization."),
    (1.1, "Initializing logger"),
    (1.2, "{log} | root | INFO | Starting up app insights client"),
    (1.3, "{log} | root | INFO | Invoking user's init function"),
    (1.5, "loading /var/azureml-app/azureml-models/demand-forecast/7/forest.json (1.9 GB)"),
)
MEMORY_START = _OLD_START
MEMORY_LOOP = Beat(21.0, (_REBOOT,), jitter=0.2)


def crash(exception: tuple[str, ...], *, restarts: int = 4) -> Script:
    """Return the log of a container whose init() raises, with as many restarts as it had."""
    one = (
        *_OLD_START,
        (3.0, "{log} | root | ERROR | User's init function failed"),
        (3.0, "{log} | root | ERROR | Encountered Exception Traceback (most recent call last):"),
        (3.0, '  File "/var/azureml-server/aml_blueprint.py", line 191, in register'),
        (3.0, "    main.init()"),
        *((3.0, line) for line in exception),
        (3.1, ""),
        (3.2, "Worker exiting (pid: 38)"),
        (3.4, "Shutting down: Master"),
        (3.4, "Reason: Worker failed to boot."),
        (3.5, "{run}Exit code 3 is not normal. Killing image."),
    )
    return tuple(
        (again * 40.0 * (again + 1) + after, text)
        for again in range(restarts)
        for after, text in one
    )


CLAIMS_CRASH = crash(
    (
        '  File "/var/azureml-app/main.py", line 35, in init',
        "    driver_module.init()",
        '  File "/structure/azureml-app/claims/score.py", line 22, in init',
        "    model = joblib.load(os.path.join(os.environ['AZUREML_MODEL_DIR'], 'claims.pkl'))",
        '  File "/azureml-envs/azureml_0de3/lib/python3.8/site-packages/joblib/numpy_pickle.py", line 577, in load',
        "    with open(filename, 'rb') as f:",
        "FileNotFoundError: [Errno 2] No such file or directory: "
        "'/var/azureml-app/azureml-models/claims-triage/3/claims.pkl'",
    )
)
MODULE_CRASH = crash(
    (
        '  File "/var/azureml-app/main.py", line 19, in <module>',
        "    driver_module_spec.loader.exec_module(driver_module)",
        '  File "<frozen importlib._bootstrap_external>", line 848, in exec_module',
        '  File "/structure/azureml-app/sentiment/score.py", line 4, in <module>',
        "    from sentence_transformers import SentenceTransformer",
        "ModuleNotFoundError: No module named 'sentence_transformers'",
    )
)

INIT_LOG: Script = (
    (0.0, "{log} INFO storage-init - preparing /var/azureml-app"),
    (0.4, "{log} INFO storage-init - downloading source archive 9f8e7d6c.tar.gz (14.2 kB)"),
    (0.9, "{log} INFO storage-init - downloading model {name} to /var/azureml-app/azureml-models"),
    (3.8, "{log} INFO storage-init - downloaded 1 model in 2.9 s"),
    (4.0, "{log} INFO storage-init - unpacked 3 files; init container is done"),
)

# Text from outside may carry anything: what a careless terminal would do with it shows at once.
HOSTILE = (
    "\x1b[31mred that never ends",
    "clipboard: \x1b]52;c;Y3VybCBldmlsLmV4YW1wbGUgfCBzaA==\x07",
    "window title: \x1b]0;owned\x07",
    "cursor home and clear: \x1b[H\x1b[2J",
    "markup: [/foo] [bold]not bold[/bold] [@click=app.quit]click me[/]",
    "bidi: \u202egnp.exe\u202c and \u2066isolated\u2069",
    "C1 controls: \x9b31m \x9d0;title\x9c",
    "NUL \x00 backspace a\x08b bell \x07 carriage\rreturn",
    "combining: e\u0301 Z\u0351\u036b\u0343\u036a\u0302\u036b and wide: 日本語 👩‍👩‍👧",
    "x" * 600,
)
_HOSTILE_LINES: Script = tuple(
    (
        index * 0.2,
        "{log} I [31] azmlinfsrv.print - comment: " + line.replace("{", "{{").replace("}", "}}"),
    )
    for index, line in enumerate(HOSTILE)
)
HOSTILE_TRAFFIC = Beat(30.0, (_HOSTILE_LINES, _NEW_REQUEST))
