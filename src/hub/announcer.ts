/** Shows what was stored to whoever shall see it, in the order of the store. */
import type { Entry, LinesEntry, Outcome, PushedEntry, Sender } from './entries.ts'
import type { FanOut } from './links/fan-out.ts'

/** Entries and what became of them, by place; no sender of this hub brought those of others. */
export type Stored = {
  readonly entries: readonly Entry[]
  readonly outcomes: readonly Outcome[]
  readonly senders: readonly Sender[] | null
}

export class Announcer {
  readonly #fanOut: Pick<FanOut, 'publisher' | 'tell'>

  constructor(fanOut: Pick<FanOut, 'publisher' | 'tell'>) {
    this.#fanOut = fanOut
  }

  /** Before any answer: whoever begins to follow a project in this turn is told of a head that holds all of it. */
  announce({ entries, outcomes, senders }: Stored): void {
    // A history comes in many frames: of each ledger the last one tells of all.
    const last = new Map<string, { readonly entry: LinesEntry; readonly outcome: Outcome }>()
    const publish = this.#fanOut.publisher()
    for (const [index, entry] of entries.entries()) {
      const outcome = outcomes[index]
      if (outcome?.verdict !== 'accepted') continue
      if (entry.kind === 'pushed') this.#tellPushed(entry, outcome)
      else if (entry.kind === 'lines') last.set(ledgerOf(entry), { entry, outcome })
      else if (entry.emptied === undefined) publish(entry, outcome.seq, senders?.[index] ?? null)
    }
    for (const { entry, outcome } of last.values()) this.#tellLines(entry, outcome)
  }

  // Rows of ledgers have no place in the order of their project, and one of their own.
  #tellLines({ team, project_uuid, mission, ledger }: LinesEntry, { lines_seq }: Outcome): void {
    const frame = { type: 'LedgerLines', project_uuid, mission, ledger, lines_seq }
    this.#fanOut.tell(team, project_uuid, Buffer.from(JSON.stringify(frame)))
  }

  #tellPushed({ team, project_uuid }: PushedEntry, { pushed = [] }: Outcome): void {
    const frame = { type: 'CommitsPushed', project_uuid, git_hashes: pushed }
    this.#fanOut.tell(team, project_uuid, Buffer.from(JSON.stringify(frame)))
  }
}

function ledgerOf({ team, project_uuid, ledger, mission }: LinesEntry): string {
  return `${team} ${project_uuid} ${ledger} ${mission}`
}
