/** Subscriptions and presence: who follows a project, from where on, and who works in it. */
import type {
  PresenceFrame,
  SubscribeFrame,
  UnsubscribeFrame,
} from '../../contracts/wire/frames.ts'
import {
  CONTROLS_BURST,
  CONTROLS_PER_S,
  RESUME_ROWS_MAX,
  SNAPSHOT_BYTES_MAX,
  SNAPSHOT_ROWS_MAX,
  SUBSCRIPTIONS_MAX,
} from '../limits.ts'
import type { Following } from './following.ts'
import { Presence } from './presence.ts'
import type { Others, Tell } from './presence.ts'
import { RateLimiter } from '../access/rate.ts'
import { refusal } from './replies.ts'
import { numberedFrame } from './shown.ts'
import type { HubStore } from '../data/store.ts'
import type { FeedRow, Project } from '../data/stored.ts'
import type { Session } from '../access/tickets.ts'

export type AwarenessFrame = SubscribeFrame | UnsubscribeFrame | PresenceFrame

/** A connection, as far as it is aware of others. */
export type Watcher = { readonly session: Session; readonly following: Following }

/** Frames to answer with, or why there are none. */
export type AwarenessAnswer =
  | { readonly frames: readonly string[] }
  | { readonly category: string; readonly retryable: boolean }

const BOUNDS = { rowsMax: SNAPSHOT_ROWS_MAX, bytesMax: SNAPSHOT_BYTES_MAX }
const NOTHING: AwarenessAnswer = { frames: [] }

export class Awareness {
  readonly #store: HubStore
  readonly #presence: Presence
  readonly #controls = new RateLimiter(CONTROLS_BURST, CONTROLS_PER_S)
  readonly #gone = new WeakSet<Watcher>()

  constructor(store: HubStore, tell: Tell, others: Others | null = null) {
    this.#store = store
    this.#presence = new Presence(tell, others)
  }

  /** A project of another team is answered as one that nobody has. */
  take(watcher: Watcher, frame: AwarenessFrame): AwarenessAnswer {
    // A frame may wait for the store longer than its connection lives; what it declared would stay for ever.
    if (this.#gone.has(watcher)) return NOTHING
    const { team, login } = watcher.session
    if (!this.#controls.take(login)) return { category: 'rate_limited', retryable: true }
    const project = this.#store.project(team, frame.project_uuid)
    if (project === null) return { category: 'not_found', retryable: false }
    switch (frame.type) {
      case 'subscribe':
        return this.#subscribe(watcher, frame, project)
      case 'unsubscribe':
        watcher.following.stop(frame.project_uuid)
        return NOTHING
      default:
        return this.#present(watcher, frame)
    }
  }

  /** A connection is gone. */
  leave(watcher: Watcher): void {
    this.#gone.add(watcher)
    this.#presence.leaveAll(watcher)
  }

  close(): void {
    this.#presence.close()
  }

  #subscribe(
    { session: { team }, following }: Watcher,
    { project_uuid, epoch, after_seq }: SubscribeFrame,
    { project_id, head, forgotten }: Project,
  ): AwarenessAnswer {
    if (following.size >= SUBSCRIPTIONS_MAX && !following.has(project_uuid)) {
      return { category: 'too_many_subscriptions', retryable: false }
    }
    const own = this.#store.epoch.id
    // Of what is forgotten nothing can follow: it begins with what is there.
    const isKept = epoch === own && after_seq !== undefined && after_seq >= forgotten
    const missed = isKept ? head - after_seq : -1
    const resumed = missed >= 0 && missed <= RESUME_ROWS_MAX
    following.start(project_uuid, project_id, resumed ? head - missed : head, head)
    const said = JSON.stringify({
      type: 'subscribed',
      project_uuid,
      epoch: own,
      seq: head,
      lines_seq: this.#store.lines.head({ project_id, ledger: null, mission: null }),
      history_from: forgotten + 1,
      resumed,
    })
    const snapshot = resumed ? 'null' : this.#snapshot(project_uuid, project_id)
    return {
      frames: [
        `${said.slice(0, -1)},"snapshot":${snapshot}}`,
        this.#presence.frame(team, project_uuid),
      ],
    }
  }

  #snapshot(projectUuid: string, projectId: number): string {
    const list = (rows: readonly FeedRow[]): string =>
      `[${rows.map((row) => numberedFrame(row, projectUuid)).join(',')}]`
    const recent = list(this.#store.recent(projectId, BOUNDS))
    // A commit that can't be read any more can't be shown as one.
    const commits = this.#store.localOnly(projectId, BOUNDS).filter(({ body }) => body !== '')
    return `{"recent":${recent},"local_only":${list(commits)}}`
  }

  #present(watcher: Watcher, { project_uuid, focus }: PresenceFrame): AwarenessAnswer {
    const { team } = watcher.session
    if (focus === null) {
      this.#presence.leave(watcher, team, project_uuid)
      return NOTHING
    }
    return this.#presence.enter(watcher, team, project_uuid, focus)
      ? NOTHING
      : { category: 'too_many_present', retryable: true }
  }
}

/** The refusal of an awareness frame. */
export function awarenessRefusal(
  { project_uuid }: AwarenessFrame,
  { category, retryable }: { readonly category: string; readonly retryable: boolean },
): string {
  return refusal({ category, retryable, project_uuid })
}
