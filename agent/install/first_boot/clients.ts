/**
 * The programs that a clone can send its report with: no single one is in every image. Each has a shell function
 * `send_NAME` that posts the file "$here/report" and prints the HTTP status, or nothing if there was no answer. They
 * use $url, $host, $port, $path and `bounded SECONDS PROGRAM …` from run_script.ts.
 */
import type { Client } from "../../boot_config/first_boot.ts";

export const SENDERS: Readonly<Record<Client, string>> = {
  curl: String.raw`
send_curl() {
  curl --silent --max-time 30 --noproxy '*' --output /dev/null --write-out '%{http_code}' \
    --header 'Content-Type: text/plain' --data-binary "@$here/report" "$url"
}`,
  // Bash can open TCP connections (bash(1), "REDIRECTION")
  bash: String.raw`
send_bash() {
  bounded 30 bash -c '
    exec 3<>"/dev/tcp/$2/$3" || exit 1
    printf "POST %s HTTP/1.0\r\nHost: %s:%s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" \
      "$4" "$2" "$3" "$(wc -c < "$1")" >&3
    cat "$1" >&3
    IFS=" " read -r _ status _ <&3 && echo "$status"
  ' bash "$here/report" "$host" "$port" "$path" 2>/dev/null
}`,
  perl: String.raw`
send_perl() {
  bounded 30 perl -MIO::Socket::INET -e '
    my ($file, $host, $port, $path) = @ARGV;
    local $/;
    open my $in, "<", $file or exit 1;
    my $body = <$in>;
    my $to = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 20) or exit 1;
    print $to "POST $path HTTP/1.0\r\nHost: $host:$port\r\nContent-Type: text/plain\r\n",
      "Content-Length: ", length $body, "\r\n\r\n", $body;
    print $1 if <$to> =~ m{^HTTP/\S+ (\d{3})};
  ' "$here/report" "$host" "$port" "$path" 2>/dev/null
}`,
  // BusyBox wget has no retries to turn off, and no way to see the status
  wget: String.raw`
send_wget() {
  bounded 60 wget -q -T 30 -O /dev/null --post-file="$here/report" "$url" && echo 204
}`,
};
