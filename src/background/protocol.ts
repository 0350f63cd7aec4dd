/** What is said on the control socket: a line of JSON each way. Types, and what reads them. */
import { parseJsonObject } from '../contracts/json/json.ts'

/** Of the lines below. A nudge and a stop are understood by every version. */
export const PROTOCOL = 1
export const LINE_LENGTH_MAX = 64 * 1024

export type ControlRequest =
  /** Something was recorded in this project. Isn't answered. */
  | { readonly type: 'nudge'; readonly project: string }
  /** Somebody delivers this project by hand: a link that waits for its next try is given up to them. */
  | { readonly type: 'yield'; readonly project: string }
  /** The project is about to be removed from this machine; answered once nothing of it is open here. */
  | { readonly type: 'release'; readonly project: string }
  | { readonly type: 'status' }
  /**
   * Tell what the machines do, of one project or of all: the connection stays, and each further line is a message of
   * docs/inspect-protocol.md. With `send`, lines that come are events for actors.
   */
  | { readonly type: 'inspect'; readonly project: string | null; readonly send: boolean }
  /** End now; the answer only says that it was heard. */
  | { readonly type: 'stop' }

/** How one project's link stands. */
export type HoldingStatus = {
  readonly project: string
  /** `resting` where there is nothing to send; else the state of its link, or `waiting` for its turn. */
  readonly state: string
  /** Why it is not live, or null. */
  readonly reason: string | null
  readonly next_try_at: string | null
  /** Events and commits that could be sent. */
  readonly waiting: number
}

export type ControlStatus = {
  readonly protocol: number
  readonly nonce: string
  readonly pid: number
  readonly version: string
  readonly started_at: string
  readonly resident_mb: number
  readonly projects: readonly HoldingStatus[]
}

/** Null for what can't be understood. */
export function parseRequest(line: string): ControlRequest | null {
  const { type, project, send } = objectOf(line)
  if (type === 'inspect' && (typeof project === 'string' || project === null)) {
    return { type, project, send: send === true }
  }
  if (type === 'status' || type === 'stop') return { type }
  const isOfProject = type === 'nudge' || type === 'yield' || type === 'release'
  if (isOfProject && typeof project === 'string') return { type, project }
  return null
}

/** Null where it isn't one: something else may listen there. */
export function parseStatus(line: string): ControlStatus | null {
  const found = objectOf(line)
  const { nonce, pid, version, started_at, projects } = found
  const isOne =
    typeof nonce === 'string' &&
    Number.isSafeInteger(pid) &&
    typeof version === 'string' &&
    typeof started_at === 'string' &&
    Array.isArray(projects)
  return isOne ? (found as unknown as ControlStatus) : null
}

function objectOf(line: string): Readonly<Record<string, unknown>> {
  try {
    return parseJsonObject(line, LINE_LENGTH_MAX)
  } catch {
    return {}
  }
}
