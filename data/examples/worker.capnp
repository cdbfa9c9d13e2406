# workerd's configuration of the Worker that `albumen-exporter edge --for worker` prints, over
# any S3 server: copy it beside worker.js, and run `workerd serve worker.capnp` with these
# variables set. albumen(7), "A Worker", has more.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "2026-01-01",
      bindings = [
        (name = "AWS_ENDPOINT_URL", fromEnvironment = "AWS_ENDPOINT_URL"),
        (name = "AWS_REGION", fromEnvironment = "AWS_REGION"),
        (name = "AWS_ACCESS_KEY_ID", fromEnvironment = "AWS_ACCESS_KEY_ID"),
        (name = "AWS_SECRET_ACCESS_KEY", fromEnvironment = "AWS_SECRET_ACCESS_KEY"),
        # The text of a file of tokens; without this line, and printed without --tokens, the
        # Worker answers everybody.
        (name = "ALBUMEN_TOKEN_KEYS", fromEnvironment = "ALBUMEN_TOKEN_KEYS"),
      ])),
    # "private": also servers at addresses like 127.0.0.1 and 10.0.0.1.
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "main")],
);
