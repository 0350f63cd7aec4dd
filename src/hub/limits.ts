/** Every bound of the hub, in one place. */

/** Sockets that are open at once, over all teams. */
export const PEERS_MAX = 1_000
/** Sockets that one token holds at once. */
export const PEERS_PER_TOKEN_MAX = 64
/** TCP connections, HTTP and WebSocket together. */
export const CONNECTIONS_MAX = 2_000

/** The largest WebSocket message. */
export const FRAME_BYTES_MAX = 2 * 1024 * 1024
/** Fragments of one message. */
export const FRAGMENTS_MAX = 4_096
/** Frames that can't be understood before a connection is closed with 1008. */
export const BAD_FRAMES_MAX = 256
/** What waits to be read by one peer before it is closed with 1013. */
export const PEER_BUFFER_BYTES_MAX = 1024 * 1024
/** What waits for a subscriber before it is read from the store instead. Answers and pings have the rest. */
export const LIVE_BUFFER_BYTES_MAX = PEER_BUFFER_BYTES_MAX / 2
/** Pings without an answer before a peer is dead. */
export const PINGS_MISSED_MAX = 2
export const PING_INTERVAL_MS = 15_000
/** How long a closing handshake may last. */
export const PEER_CLOSE_MS = 1_000

/** One transaction: enough to hide the fsync, little enough to keep the loop free. */
export const COMMIT_ROWS_MAX = 1_024
export const COMMIT_BYTES_MAX = 512 * 1024
/** What waits for a transaction before the senders' sockets are paused. */
export const INTAKE_BYTES_MAX = 2 * 1024 * 1024
/** Projects that one connection follows, and in which it is present. */
export const SUBSCRIPTIONS_MAX = 64
/** A subscriber that missed more than this gets a snapshot instead. */
export const RESUME_ROWS_MAX = 10_000
/** What is read at once for a subscriber that catches up, and what may wait in its socket before more is read. */
export const CATCH_UP_ROWS_MAX = 200
export const CATCH_UP_BYTES_MAX = 256 * 1024
/** Each of the two lists in a snapshot: the latest, by count and by length. */
export const SNAPSHOT_ROWS_MAX = 100
export const SNAPSHOT_BYTES_MAX = 128 * 1024
/** Who can be present in one project. */
export const PRESENT_MAX = 200
/** How long changes of presence are gathered before they are told. */
export const PRESENCE_DELAY_MS = 100
/** The longest piece of fan-out between two transactions. */
export const FAN_OUT_SLICE_MS = 8

/** An HTTP batch before and after it is inflated. Gzip makes what it can't press a little longer. */
export const BATCH_BYTES_MAX = 512 * 1024
export const BATCH_GZIP_BYTES_MAX = BATCH_BYTES_MAX + 4 * 1024
/** HTTP batches that are read at once, over all tokens and of one. */
export const BATCHES_MAX = 32
export const BATCHES_PER_TOKEN_MAX = 8
/** What a client that was refused for now is told to wait. */
export const RETRY_AFTER_MIN_S = 1
export const RETRY_AFTER_MAX_S = 300

/** What a git host tells of one push. */
export const PUSH_BYTES_MAX = 4 * 1024 * 1024
export const WEBHOOKS_MAX = 10_000
export const BODY_BYTES_MAX = 64 * 1024
export const HEADER_BYTES_MAX = 16 * 1024
export const HEADERS_TIMEOUT_MS = 5_000
export const REQUEST_TIMEOUT_MS = 10_000
export const IDLE_TIMEOUT_MS = 30_000
export const URL_LENGTH_MAX = 2_048

/** Projects of one team that a list holds. */
export const PROJECTS_MAX = 1_000
/** Of each kind, the latest rows that tell of activity. */
export const ACTIVITY_ROWS_MAX = 20_000
/** What one answer holds of a feed. */
export const FEED_BYTES_MAX = 1024 * 1024
export const PAGE_ROWS_DEFAULT = 500
export const PAGE_ROWS_MAX = 1_000
/** A page ends early, after at least one row, once its bodies are this long. */
export const PAGE_BYTES_MAX = 4 * 1024 * 1024

/** Rows of ledgers that one answer is folded from, and their length together. */
export const FOLD_ROWS_MAX = 50_000
export const FOLD_LENGTH_MAX = 32 * 1024 * 1024
/** The length of all that is kept of one kind of fold. */
export const KEPT_LENGTH_MAX = 64 * 1024 * 1024
/** Missions of one project that a list holds. */
export const MISSIONS_MAX = 10_000

/** How long a socket token is good for; it is used once. */
export const TICKET_TTL_S = 60
/** Socket tokens that wait to be used, over all teams; the oldest give way. */
export const TICKETS_MAX = 4_096
/** How long a window of a browser stays logged in. */
export const SESSION_TTL_MS = 7 * 24 * 3_600_000
/** Windows, over all teams; those that end first give way. */
export const SESSIONS_MAX = 4_096
/** How long a one-time link is good for. */
export const CODE_TTL_MS = 10 * 60_000
export const CODES_MAX = 1_024
/** Requests of one token: a burst, and what grows back in a second. */
export const REQUESTS_BURST = 1_000
export const REQUESTS_PER_S = 200
/** Subscriptions and presences that one token asks for: a burst, and what grows back in a second. */
export const CONTROLS_BURST = 200
export const CONTROLS_PER_S = 20
/** Failed logins of one address: a burst, and what grows back in a second. */
export const FAILURES_BURST = 100
export const FAILURES_PER_S = 10
/** Tokens or addresses that are remembered for that. */
export const RATE_KEYS_MAX = 10_000

/** Old events and commits that one transaction empties, the pause after it, and how often it is looked for more. */
export const RETENTION_ROWS_MAX = 200
export const RETENTION_PAUSE_MS = 20
export const RETENTION_LOOK_MS = 3_600_000

/** How long a hub waits before it tries again to write its file anew, growing. */
export const SCRUB_RETRY_MIN_MS = 1_000
export const SCRUB_RETRY_MAX_MS = 60_000

/** Events that were refused for good: those that are kept, and those of one turn of the event loop. */
export const DEAD_LETTERS_MAX = 10_000
export const DEAD_LETTERS_AT_ONCE_MAX = 1_000
/** Of hubs that share a log. */
export const DEAD_LETTERS_KEPT_MS = 30 * 86_400_000

/** How long a write waits for another process, `createToken` for one. The loop stands still meanwhile. */
export const BUSY_TIMEOUT_MS = 1_000
export const TOKENS_MAX = 100_000
/** How often the tokens of open sockets are looked at again. */
export const TOKEN_LOOK_MS = 500

/** A stop is over within all four, the first one twice, whatever the others do; a peer has `PEER_CLOSE_MS` of the second. */
export const STOP_FLUSH_MS = 250
export const STOP_PEERS_MS = 1_500
export const STOP_HTTP_MS = 750
export const STOP_NATS_MS = 250

/** Of the log that hubs share: the messages that each keeps as they were, to say them again where a server lost them. */
export const LOG_BYTES_MAX = 256 * 1024 * 1024
/** One message of that log: entries, and their length together. A server takes 1 MiB unless told otherwise. */
export const MESSAGE_ENTRIES_MAX = 256
export const MESSAGE_LENGTH_MAX = 256 * 1024
/** Rows of one piece of a base, before they are deflated; and how old a base is before hubs that keep so many days make a new one. */
export const BASE_PIECE_LENGTH = 256 * 1024
export const BASE_AGE_MAX_MS = 24 * 3_600_000
/** How long a server may take to connect, and to answer. */
export const NATS_TIMEOUT_MS = 5_000
/** The same for what opens a connection: no question is answered while servers elect who leads them, and the next one is soon. */
export const NATS_ANSWER_MS = 2_000
/** Between two attempts to reach it, growing. */
export const NATS_RETRY_MIN_MS = 100
export const NATS_RETRY_MAX_MS = 1_000
/** How long somebody with an unknown secret waits until this hub knows what the others know. */
export const CATCH_UP_MS = 2_000
/** How often a hub says that it is there, and after what silence its people are gone. */
export const BEAT_MS = 2_000
export const SILENCE_MAX_MS = 7_000
