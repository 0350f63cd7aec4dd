/** What is shown to others: the stored bytes themselves, as frames. Buffers are made where somebody looks, and once. */
import type { CommitEntry, EventEntry } from '../entries.ts'
import type { FeedRow } from '../data/stored.ts'

export type Shareable = EventEntry | CommitEntry

/** Something that was just accepted. */
export class Shown {
  readonly projectUuid: string
  readonly seq: number
  readonly #entry: Shareable
  #plain: Buffer | null = null
  #numbered: Buffer | null = null

  constructor(entry: Shareable, seq: number) {
    this.projectUuid = entry.project_uuid
    this.seq = seq
    this.#entry = entry
  }

  /** For those who follow no project by its numbers. */
  get plain(): Buffer {
    const { kind, body } = this.#entry
    this.#plain ??= Buffer.from(kind === 'event' ? eventFrame(body) : body)
    return this.#plain
  }

  get numbered(): Buffer {
    const { kind, body } = this.#entry
    const user = this.#entry.kind === 'commit' ? this.#entry.user : null
    const row = { kind, body, project_seq: this.seq, pushed_at: null, user }
    this.#numbered ??= Buffer.from(numberedFrame(row, this.projectUuid))
    return this.#numbered
  }
}

/** A row as its project's subscribers see it. */
export function numberedFrame(row: FeedRow, projectUuid: string): string {
  const { kind, body, project_seq, pushed_at, user } = row
  if (body === '') {
    return JSON.stringify({ type: 'damaged', project_uuid: projectUuid, seq: project_seq })
  }
  if (kind === 'event') return `${eventFrame(body).slice(0, -1)},"seq":${project_seq}}`
  const whose = user === null ? '' : `"user":${JSON.stringify(user)},`
  return `${body.slice(0, -1)},"local_only":${pushed_at === null},${whose}"seq":${project_seq}}`
}

function eventFrame(body: string): string {
  return `{"type":"event",${body.slice(1)}`
}
