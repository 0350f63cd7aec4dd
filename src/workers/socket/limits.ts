/** The numbers of a link (L8), and the clock they run on; tests make both small. */

export type LinkLimits = {
  /** For the whole exchange of the login for a ticket. */
  readonly authenticateMs: number
  /** From the first byte to the finished upgrade. */
  readonly openMs: number
  /** For the question whether a hub takes batches by HTTP, and for one batch. */
  readonly probeMs: number
  readonly batchMs: number
  /** No batch is begun later than this after the first: the answers to other commands wait for those by HTTP. */
  readonly passMs: number
  /** A batch of more events than this goes by HTTP where the hub takes no array frames. */
  readonly backlogEvents: number
  /** Without a word of the hub for this long it is pinged, and given up where it says nothing for `pongMs` more. */
  readonly quietMs: number
  readonly pongMs: number
  /** As `pongMs`, where there is a reason to think that it is gone. */
  readonly checkMs: number
  /** From our close frame to a forced end. */
  readonly closeMs: number
  /** Without any verdict of the hub, on top of what the unanswered bytes need at `SLOWEST_BYTES_PER_MS`. */
  readonly ackMs: number
  /** The largest frame that is read. */
  readonly payloadBytesMax: number
  /** The largest frame that is sent; a larger one is rejected here, because the hub would cut the connection. */
  readonly frameBytesMax: number
  /** Sending pauses above this many unwritten bytes and resumes below the low mark. */
  readonly highWaterBytes: number
  readonly lowWaterBytes: number
  /** The window: frames and bytes that are sent and have no verdict yet. */
  readonly unackedMax: number
  readonly unackedBytesMax: number
  /** Events and bytes of one array frame, and how many events may be in such frames without acks. */
  readonly arrayEventsMax: number
  readonly arrayBytesMax: number
  readonly arrayUnackedMax: number
  /** Items of one batch; what is beyond stays undelivered. */
  readonly batchItemsMax: number
  /** Unreadable frames on one connection before it is closed. */
  readonly malformedMax: number
  /** Pings that are answered and reported in one second. */
  readonly pingsPerSecondMax: number
}

export const LINK_LIMITS: LinkLimits = {
  authenticateMs: 10_000,
  openMs: 5_000,
  probeMs: 10_000,
  batchMs: 60_000,
  passMs: 10_000,
  backlogEvents: 200,
  quietMs: 15_000,
  pongMs: 10_000,
  checkMs: 3_000,
  closeMs: 1_000,
  ackMs: 5_000,
  payloadBytesMax: 4 * 1024 * 1024,
  frameBytesMax: 2 * 1024 * 1024,
  highWaterBytes: 1024 * 1024,
  lowWaterBytes: 256 * 1024,
  unackedMax: 256,
  unackedBytesMax: 4 * 1024 * 1024,
  arrayEventsMax: 128,
  arrayBytesMax: 128 * 1024,
  arrayUnackedMax: 4_096,
  batchItemsMax: 10_000,
  malformedMax: 1_000,
  pingsPerSecondMax: 10,
}

/** 256 KiB a second: what the slowest uplink that we wait for carries. */
export const SLOWEST_BYTES_PER_MS = 256

/** Runs `act` once after `ms`, unless the returned function is called before. */
export type SetTimer = (act: () => void, ms: number) => () => void

export const setTimer: SetTimer = (act, ms) => {
  const timer = setTimeout(act, ms)
  return () => clearTimeout(timer)
}
