/**
 * What happened in the project that is looked at, each number once and in order, and its commits. It holds as much as a person
 * looks through; what is older is asked for again.
 */
import type { CommitRow, Row, Subscribed } from './types.ts'

const ROWS_MAX = 5_000

export class History {
  epoch: string | null = null
  /** The last number that was seen. */
  seq = 0
  linesSeq = -1
  /** What is before it can be asked for; 0 where there is no more. */
  before = 0
  /** The first number that the hub still had, when it was asked last. */
  from = 1
  #rows: Row[] = []
  readonly #commitByHash = new Map<string, CommitRow>()

  /** Oldest first. */
  get rows(): readonly Row[] {
    return this.#rows
  }

  /** The latest first. */
  get commits(): readonly CommitRow[] {
    return [...this.#commitByHash.values()].sort((a, b) => b.seq - a.seq)
  }

  /** Begins at a snapshot, or goes on. */
  begin({ epoch, seq, snapshot, history_from }: Subscribed): void {
    this.epoch = epoch
    this.from = history_from
    if (snapshot === null) return
    this.seq = seq
    this.#rows = [...snapshot.recent]
    this.before = snapshot.recent[0]?.seq ?? 0
    if (this.before <= history_from) this.before = 0
    this.#commitByHash.clear()
    for (const row of [...snapshot.recent, ...snapshot.local_only]) this.#note(row)
  }

  /** What comes next; false where something is missing before it. */
  take(row: Row): boolean {
    // Before a connection has chosen its project it is shown rows without a number, as any plain listener.
    if (!(row.seq > this.seq)) return true
    if (row.seq > this.seq + 1) return false
    this.seq = row.seq
    this.#rows.push(row)
    this.#note(row)
    if (this.#rows.length > ROWS_MAX * 1.1) this.#forget()
    return true
  }

  /** What was missed up to this number is no longer kept: what follows is no gap. */
  forgotten(through: number): void {
    this.seq = Math.max(this.seq, through)
    this.from = Math.max(this.from, through + 1)
  }

  /** What was before the first row. */
  takeOlder(rows: readonly Row[], next: number): void {
    const first = this.#rows[0]?.seq ?? Number.POSITIVE_INFINITY
    const older = rows.filter(({ seq }) => seq < first)
    this.#rows = [...older, ...this.#rows]
    for (const row of older) this.#note(row)
    this.before = this.#rows.length >= ROWS_MAX ? 0 : next
  }

  pushed(hashes: readonly string[]): void {
    for (const hash of hashes) {
      const commit = this.#commitByHash.get(hash)
      if (commit !== undefined) this.#commitByHash.set(hash, { ...commit, local_only: false })
    }
  }

  /**
   * All commits that are still local only: whatever was held for one and is not among them was pushed meanwhile.
   *
   * @param upTo the last number when the list was asked for, which does not judge later ones
   */
  settle(localOnly: readonly CommitRow[], isCut: boolean, upTo: number): void {
    const hashes = new Set(localOnly.map(({ git_hash }) => git_hash))
    const from = isCut ? (localOnly[0]?.seq ?? 0) : 0
    for (const commit of this.#commitByHash.values()) {
      const isCovered = commit.seq >= from && commit.seq <= upTo
      if (isCovered && !hashes.has(commit.git_hash)) this.pushed([commit.git_hash])
    }
    for (const commit of localOnly) this.#note(commit)
  }

  #note(row: Row): void {
    if (row.type !== 'LocalCommit') return
    // A push that was told of is not taken back by an older row.
    const known = this.#commitByHash.get(row.git_hash)
    this.#commitByHash.set(row.git_hash, known?.local_only === false ? known : row)
  }

  #forget(): void {
    this.#rows = this.#rows.slice(-ROWS_MAX)
    this.before = this.#rows[0]?.seq ?? 0
  }
}
