/**
 * The projects that one connection follows. Each is first behind: what was missed is read from the store, a page at a
 * time, as fast as it is taken. Where a page ends at the head it is live, and shown what is accepted as it is accepted,
 * until more waits than a slow reader may hold up: then it is behind again, and what it misses waits in the store. Each
 * happens in one turn of the event loop, so nothing is seen twice and nothing is left out.
 */
import { CATCH_UP_BYTES_MAX, CATCH_UP_ROWS_MAX, LIVE_BUFFER_BYTES_MAX } from '../limits.ts'
import type { Outflow } from './outflow.ts'
import { numberedFrame } from './shown.ts'
import type { Shown } from './shown.ts'
import type { HubStore } from '../data/store.ts'

type Followed = {
  readonly projectUuid: string
  readonly projectId: number
  /** The last number that was sent. */
  seq: number
  isLive: boolean
}

/** Most connections follow nothing, and each map has room from the start. Nothing is put into this one. */
const NONE = new Map<string, Followed>()

const PAGE = { rowsMax: CATCH_UP_ROWS_MAX, bytesMax: CATCH_UP_BYTES_MAX }

export class Following {
  readonly #store: Pick<HubStore, 'feed' | 'projects'>
  readonly #outflow: Outflow
  #followedByUuid = NONE
  #hasChosen = false

  constructor(store: Pick<HubStore, 'feed' | 'projects'>, outflow: Outflow) {
    this.#store = store
    this.#outflow = outflow
  }

  /** Whether this connection ever chose: from then on it is shown nothing but what it follows. */
  get hasChosen(): boolean {
    return this.#hasChosen
  }

  get size(): number {
    return this.#followedByUuid.size
  }

  /** Whether what is accepted in the project is shown: who never chose is shown everything. */
  listens(projectUuid: string): boolean {
    return !this.#hasChosen || this.has(projectUuid)
  }

  has(projectUuid: string): boolean {
    return this.#followedByUuid.has(projectUuid)
  }

  /** Follows a project from a number on, of which the last is `head`. */
  start(projectUuid: string, projectId: number, seq: number, head: number): void {
    this.stop(projectUuid)
    this.#hasChosen = true
    if (this.#followedByUuid === NONE) this.#followedByUuid = new Map()
    this.#followedByUuid.set(projectUuid, { projectUuid, projectId, seq, isLive: seq === head })
  }

  stop(projectUuid: string): void {
    this.#followedByUuid.delete(projectUuid)
    this.#outflow.drop(projectUuid)
  }

  /** Offers what was accepted where its project is followed live. */
  show(shown: Shown): void {
    const followed = this.#followedByUuid.get(shown.projectUuid)
    if (followed === undefined || !followed.isLive) return
    if (this.#outflow.bytes > LIVE_BUFFER_BYTES_MAX) {
      followed.isLive = false
      return
    }
    followed.seq = shown.seq
    this.#outflow.offer(shown.numbered, shown.projectUuid)
  }

  /**
   * Reads on for whatever is behind, until the deadline; false when there is more to read and room for it. Where there
   * is no room `wake` is called once there is.
   */
  catchUp(deadlineMs: number, wake: () => void): boolean {
    for (const followed of this.#followedByUuid.values()) {
      while (!followed.isLive && this.#outflow.isOpen) {
        if (performance.now() >= deadlineMs) return false
        if (!this.#outflow.hasRoom) {
          this.#outflow.whenTaken(wake)
          return true
        }
        this.#page(followed)
      }
    }
    return true
  }

  #page(followed: Followed): void {
    const forgotten = this.#store.projects.forgotten(followed.projectId)
    // What it missed is emptied by now: it goes on behind that, and is told, or would take the jump for a gap.
    if (followed.seq < forgotten) {
      followed.seq = forgotten
      this.#outflow.send([forgottenFrame(followed.projectUuid, forgotten)])
    }
    const rows = this.#store.feed(followed.projectId, followed.seq, PAGE)
    const last = rows.at(-1)
    if (last === undefined) {
      followed.isLive = true
      return
    }
    followed.seq = last.project_seq
    this.#outflow.send(rows.map((row) => numberedFrame(row, followed.projectUuid)))
  }
}

function forgottenFrame(project_uuid: string, through_seq: number): string {
  return JSON.stringify({ type: 'forgotten', project_uuid, through_seq })
}
