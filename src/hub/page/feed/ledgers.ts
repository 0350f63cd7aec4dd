/** Missions, boards, decisions, the glossary and activity of the project: read when they are looked at, and again when they changed. */
import { inWorkFirst, latest } from '../model/missions.ts'
import { type Api, ApiFault } from './api.ts'
import type {
  Board,
  Decision,
  Decisions,
  Frame,
  Glossary,
  Hour,
  Mission,
  Row,
} from '../model/types.ts'
import type { Place } from '../place.ts'

type LinesFrame = Extract<Frame, { readonly type: 'LedgerLines' }>
type Part = 'missions' | 'board' | 'decisions' | 'glossary' | 'activity'

export type LedgersOptions = {
  readonly api: Api
  readonly changed: () => void
  readonly failed: (fault: unknown) => void
}

const PARTS: readonly Part[] = ['missions', 'board', 'decisions', 'glossary', 'activity']
/** Changes that come together are read once. */
const GATHER_MS = 40
const ACTIVITY_GATHER_MS = 1_000
const DECISIONS_PAGE = 500

export class Ledgers {
  missions: readonly Mission[] | null = null
  board: Board | null = null
  decisions: Decisions | null = null
  /** Of the whole project, whatever is searched for. */
  openDecisions = 0
  glossary: Glossary | null = null
  hours: readonly Hour[] | null = null
  /** What could not be read. */
  readonly faults = new Map<Part, ApiFault>()
  readonly #options: LedgersOptions
  readonly #due = new Set<Part>()
  readonly #reading = new Set<Part>()
  readonly #timers = new Map<Part, ReturnType<typeof setTimeout>>()
  #place: Place = { project: null, tab: 'boards', mission: null }
  /** The one that was shown first stays, wherever something happens then. */
  #first: string | null = null
  #text = ''

  constructor(options: LedgersOptions) {
    this.#options = options
  }

  look(place: Place): void {
    const before = this.#place
    if (place.project !== before.project) this.forget()
    this.#place = place
    if (place.project === null) return
    if (place.project !== before.project) return this.refresh('all')
    if (place.mission !== before.mission) this.#read('board')
    if (place.tab !== before.tab && this.#text !== '') this.searchDecisions('')
  }

  searchDecisions(text: string): void {
    this.#text = text
    this.#later('decisions', GATHER_MS * 3)
  }

  /** There are new rows, in one ledger or wherever. */
  refresh(what: 'all' | LinesFrame): void {
    if (what === 'all') for (const part of PARTS) this.#later(part, 0)
    else {
      this.#later('missions', GATHER_MS)
      this.#later('activity', ACTIVITY_GATHER_MS)
      if (what.ledger === 'decisions') this.#later('decisions', GATHER_MS)
      else if (what.mission === this.shownMission) this.#later('board', GATHER_MS)
    }
  }

  /** An event or a commit came. */
  noticed(row: Row): void {
    if (row.type === 'event' && row.event_type.startsWith('GlossaryClarification')) {
      this.#later('glossary', GATHER_MS)
    }
    this.#later('activity', ACTIVITY_GATHER_MS)
  }

  /** The mission whose board is shown: the one that was chosen, else the one where something happened last. */
  get shownMission(): string | null {
    const missions = this.missions ?? []
    const wanted = this.#place.mission ?? this.#first
    const chosen = missions.find(({ mission }) => mission === wanted)
    return (chosen ?? latest(missions))?.mission ?? wanted
  }

  forget(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.#due.clear()
    this.faults.clear()
    this.#place = { project: null, tab: 'boards', mission: null }
    this.missions = this.board = this.decisions = this.glossary = this.hours = null
    this.openDecisions = 0
    this.#first = null
    this.#text = ''
  }

  #later(part: Part, waitMs: number): void {
    if (this.#timers.has(part)) return
    const timer = setTimeout(() => {
      this.#timers.delete(part)
      this.#read(part)
    }, waitMs)
    this.#timers.set(part, timer)
  }

  /** What changes while it is read is read once more. */
  #read(part: Part): void {
    if (this.#reading.has(part)) {
      this.#due.add(part)
      return
    }
    this.#reading.add(part)
    void this.#readNow(part).finally(() => {
      this.#reading.delete(part)
      if (this.#due.delete(part)) this.#read(part)
    })
  }

  async #readNow(part: Part): Promise<void> {
    const { project } = this.#place
    if (project === null) return
    try {
      const put = await this.#fetch(part, project)
      if (this.#place.project !== project) return
      put()
      this.faults.delete(part)
    } catch (error) {
      if (error instanceof ApiFault && error.status !== 401) this.faults.set(part, error)
      else this.#options.failed(error)
    }
    this.#options.changed()
  }

  async #fetch(part: Part, project_uuid: string): Promise<() => void> {
    const { api } = this.#options
    const query = { project_uuid }
    switch (part) {
      case 'missions': {
        const { missions } = await api.get<{ missions: readonly Mission[] }>('missions', query)
        return () => this.#putMissions(missions)
      }
      case 'board': {
        const mission = this.shownMission
        if (mission === null) return () => {}
        const board = await api.get<Board>('board', { ...query, mission })
        return () => {
          // Another one may have been chosen meanwhile.
          if (this.shownMission === mission) this.board = board
        }
      }
      case 'decisions': {
        const text = this.#text
        const wanted = {
          ...query,
          limit: DECISIONS_PAGE,
          ...(text === '' ? {} : { q: text.slice(0, 256) }),
        }
        const decisions = await api.get<Decisions>('decisions', wanted)
        return () => this.#putDecisions(decisions, text)
      }
      case 'glossary': {
        const glossary = await api.get<Glossary>('glossary', query)
        return () => {
          this.glossary = glossary
        }
      }
      default: {
        const { hours } = await api.get<{ hours: readonly Hour[] }>('activity', query)
        return () => {
          this.hours = hours
        }
      }
    }
  }

  #putMissions(missions: readonly Mission[]): void {
    const before = this.shownMission
    this.missions = inWorkFirst(missions)
    this.#first ??= this.shownMission
    if (this.shownMission !== before || this.board === null) this.#read('board')
  }

  #putDecisions(decisions: Decisions, text: string): void {
    if (text !== this.#text) return
    this.decisions = decisions
    if (text === '') this.openDecisions = decisions.decisions.filter(isOpen).length
  }
}

export function isOpen({ answered_at }: Decision): boolean {
  return answered_at === null
}
