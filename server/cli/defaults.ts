/** Defaults of the command line; free of imports, so that --help is quick. */
export const DEFAULT_DATA = "/var/lib/rackseed";
export const DEFAULT_CONFIG = "/etc/rackseed/server.yaml";
export const DEFAULT_LISTEN = "0.0.0.0:8443";
export const DEFAULT_SITE_PORT = 443;
export const DEFAULT_HTTP_PORT = 8080;
export const DEFAULT_PEER_PORT = 6881;
export const DEFAULT_TRACKER_PORT = 6969;
export const DEFAULT_TFTP_PORT = 69;
export const DEFAULT_RSYNC_PORT = 873;
export const DEFAULT_LEVEL = 9;
