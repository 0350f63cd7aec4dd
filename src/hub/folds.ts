/** What is folded from the rows of a project: made when somebody asks for it, and again when there are new rows. */
import { foldGlossary } from '../contracts/ledgers/fold-glossary.ts'
import type { NumberedGlossaryRow } from '../contracts/ledgers/fold-glossary.ts'
import { parseGlossaryRow } from '../contracts/ledgers/glossary-record.ts'
import { isJsonObject, parseJson } from '../contracts/json/json.ts'
import type { JsonObject } from '../contracts/json/json.ts'
import { foldBoard, foldTimeline } from './fold-ledgers.ts'
import type { Board, Timeline } from './fold-ledgers.ts'
import { Kept } from './kept.ts'
import { FOLD_ROWS_MAX, KEPT_LENGTH_MAX } from './limits.ts'
import type { StoredMission } from './data/lines-table.ts'
import type { HubStore } from './data/store.ts'

/** The last row that something was folded from, and whether there were more than it holds. */
type Told = { readonly lines_seq: number; readonly is_cut: boolean }

export type KeptBoard = Pick<Board, 'summary' | 'moved_at'> & {
  /** The members of a board, as JSON. */
  readonly text: string
}
export type KeptMission = StoredMission & {
  /** Null where the project has too many rows to fold them all. */
  readonly summary: Board['summary'] | null
  readonly moved_at: string | null
}

const ROW_LENGTH = 256

export class Folds {
  readonly #store: Pick<HubStore, 'lines' | 'glossaryHead' | 'glossaryEvents'>
  readonly #missions = new Kept<readonly KeptMission[]>(KEPT_LENGTH_MAX)
  readonly #boards = new Kept<KeptBoard>(KEPT_LENGTH_MAX)
  readonly #timelines = new Kept<Timeline & Told>(KEPT_LENGTH_MAX)
  readonly #glossaries = new Kept<string>(KEPT_LENGTH_MAX)

  constructor(store: Pick<HubStore, 'lines' | 'glossaryHead' | 'glossaryEvents'>) {
    this.#store = store
  }

  /** Rows went that were there. */
  forget(): void {
    for (const kept of [this.#missions, this.#boards, this.#timelines, this.#glossaries]) {
      kept.clear()
    }
  }

  /** The missions that have rows, by name, and how far each is. */
  missions(project_id: number): {
    readonly missions: readonly KeptMission[]
    readonly lines_seq: number
  } {
    const { lines } = this.#store
    const lines_seq = lines.head({ project_id, ledger: null, mission: null })
    const missions = this.#missions.of(String(project_id), lines_seq, () => {
      const found = lines.missions(project_id)
      const rows = found.reduce((sum, { status_rows }) => sum + status_rows, 0)
      const value = found.map((one) => {
        if (rows > FOLD_ROWS_MAX) return { ...one, summary: null, moved_at: null }
        const { summary, moved_at } = this.board(project_id, one.mission)
        return { ...one, summary, moved_at }
      })
      return { value, length: value.length * ROW_LENGTH }
    })
    return { missions, lines_seq }
  }

  board(project_id: number, mission: string): KeptBoard {
    const { lines } = this.#store
    const lines_seq = lines.head({ project_id, ledger: 'status', mission })
    return this.#boards.of(`${project_id} ${mission}`, lines_seq, () => {
      const rows = lines.read(project_id, 'status', mission)
      const board = foldBoard(rows.lines)
      const text = JSON.stringify({ is_cut: rows.isCut, lines_seq, ...board })
      const { summary, moved_at } = board
      return { value: { summary, moved_at, text }, length: text.length }
    })
  }

  /** Its decisions by time. */
  timeline(project_id: number, mission: string | null): Timeline & Told {
    const { lines } = this.#store
    const lines_seq = lines.head({ project_id, ledger: 'decisions', mission })
    return this.#timelines.of(`${project_id} ${mission ?? ''}`, lines_seq, () => {
      const rows = lines.read(project_id, 'decisions', mission)
      const { decisions, anomalies } = foldTimeline(rows.lines)
      const inTime = decisions.toSorted(
        (a, b) => Date.parse(a.requested_at) - Date.parse(b.requested_at),
      )
      const value = { decisions: inTime, anomalies, lines_seq, is_cut: rows.isCut }
      return { value, length: rows.length }
    })
  }

  /** As JSON: of the clarifications that travel as events; what else a glossary holds stays in its repository. */
  glossary(project_id: number): string {
    const last = this.#store.glossaryHead(project_id)
    return this.#glossaries.of(String(project_id), last, () => {
      const text = glossaryText(this.#store.glossaryEvents(project_id))
      return { value: text, length: text.length }
    })
  }
}

function glossaryText({
  bodies,
  isCut,
}: {
  readonly bodies: readonly string[]
  readonly isCut: boolean
}): string {
  const rows = bodies.flatMap((body, at) => glossaryRow(body, at + 1))
  const { clarifications, anomalies } = foldGlossary(new Map(), rows)
  const listed = [...clarifications.values()].map(({ log, ...clarification }) => {
    return { mission_id: log === '' ? null : log, ...clarification }
  })
  const open = listed.filter(({ resolution }) => resolution === null).length
  return JSON.stringify({
    open,
    clarifications: listed,
    anomalies: anomalies.map(({ kind, conflict_id, surface }) => ({ kind, conflict_id, surface })),
    is_cut: isCut,
  })
}

function glossaryRow(body: string, line: number): readonly NumberedGlossaryRow[] {
  const event = parseJson(body, body.length)
  if (!isJsonObject(event) || !isJsonObject(event['payload'])) return []
  const { payload } = event
  const row = parseGlossaryRow(rowOf(event, payload))
  if (typeof row === 'string') return []
  const { mission_id } = payload
  return [{ log: typeof mission_id === 'string' ? mission_id : '', line, row }]
}

/** As the log of a repository would have it: on the wire a resolution names a request and a meaning, and no more need be. */
function rowOf(event: JsonObject, payload: JsonObject): JsonObject {
  const { event_id = null, event_type = null, timestamp = null } = event
  const { clarification_event_id, term, scope_id, selected_meaning } = payload
  const isResolved = event_type === 'GlossaryClarificationResolved'
  const asked = isResolved ? (clarification_event_id ?? null) : event_id
  const sense =
    term === undefined || scope_id === undefined || selected_meaning === undefined
      ? null
      : { surface: term, scope: scope_id, definition: selected_meaning }
  const told = isResolved ? { selected_sense: sense } : {}
  return { conflict_id: asked, ...told, ...payload, event_id, event_type, timestamp }
}
