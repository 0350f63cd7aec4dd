/** What the page knows and where it is; views ask it, and it tells when something has changed. */
import { Api, ApiFault, takeCode, type Who } from './feed/api.ts'
import { Link, type LinkState } from './feed/link.ts'
import { Ledgers } from './feed/ledgers.ts'
import { History } from './model/history.ts'
import type { Frame, Present, Project, Row, Subscribed } from './model/types.ts'
import { type Place, placeInAddress, putInAddress } from './place.ts'

export type Stage = 'entering' | 'out' | 'in'
type Older = { readonly feed: readonly Row[]; readonly next: number }
type LocalOnly = {
  readonly commits: Parameters<History['settle']>[0]
  readonly is_cut: boolean
}

export class Dashboard {
  stage: Stage = 'entering'
  /** Why nobody is in, where that has to be said. */
  fault: ApiFault | null = null
  who: Who | null = null
  projects: readonly Project[] | null = null
  present: readonly Present[] = []
  /** What a person is searching for in the tab that is shown. */
  search = ''
  isHelpOpen = false
  history = new History()
  readonly ledgers: Ledgers
  readonly #api = new Api()
  readonly #tell: () => void
  #place: Place = { project: null, tab: 'boards', mission: null }
  #link: Link | null = null
  #isTold = false

  constructor(tell: () => void) {
    this.#tell = tell
    this.ledgers = new Ledgers({
      api: this.#api,
      changed: () => this.changed(),
      failed: (fault) => this.#failed(fault),
    })
  }

  get place(): Place {
    return this.#place
  }

  get linkState(): LinkState {
    return this.#link?.state ?? 'connecting'
  }

  get project(): Project | null {
    return this.projects?.find(({ project_uuid }) => project_uuid === this.#place.project) ?? null
  }

  /** Shows what has changed, at most once a frame. */
  changed(): void {
    if (this.#isTold) return
    this.#isTold = true
    requestAnimationFrame(() => {
      this.#isTold = false
      this.#tell()
    })
  }

  /** Time passes: what is told by words moves on, and other projects are looked for. */
  tick(): void {
    if (this.stage === 'in' && this.#place.project === null) this.#elsewhere('')
    this.changed()
  }

  /** Another address in the same window, by a link or by hand: it is not loaded anew for that. */
  addressChanged(): void {
    const code = takeCode()
    if (code !== null) return void this.enter({ code })
    if (this.stage !== 'in') return
    const place = placeInAddress()
    const isKnown = this.projects?.some(({ project_uuid }) => project_uuid === place.project)
    this.go(isKnown === true ? place : { ...place, project: null })
  }

  async start(): Promise<void> {
    this.changed()
    const code = takeCode()
    this.#place = placeInAddress()
    if (code !== null) return this.enter({ code })
    if (!this.#api.isIn) return this.#out(null)
    await this.#come()
  }

  async enter(by: { readonly token: string } | { readonly code: string }): Promise<void> {
    // Said again it is another one, also to who only hears it.
    this.fault = null
    this.changed()
    try {
      await this.#api.enter(by)
    } catch (error) {
      return this.#out(error as ApiFault)
    }
    await this.#come()
  }

  async leave(): Promise<void> {
    const ending = this.#api.leave()
    this.#out(null)
    await ending
  }

  go(place: Partial<Place>): void {
    const before = this.#place
    this.#place = { ...before, ...place }
    if (this.#place.tab !== before.tab) this.search = ''
    putInAddress(this.#place)
    if (this.#place.project !== before.project) this.#look()
    if (this.#place.project === null) this.#elsewhere('')
    this.ledgers.look(this.#place)
    this.changed()
  }

  searchFor(text: string): void {
    this.search = text
    if (this.#place.tab === 'decisions') this.ledgers.searchDecisions(text)
    this.changed()
  }

  help(isOpen: boolean): void {
    this.isHelpOpen = isOpen
    this.changed()
  }

  /** What was before the first row of the stream. */
  async loadOlder(): Promise<void> {
    const { history } = this
    const project = this.#place.project
    if (project === null || history.before === 0) return
    const query = { project_uuid: project, before: history.before, limit: 500 }
    await this.#ask(async () => {
      const { feed, next } = await this.#api.get<Older>('feed', query)
      if (history === this.history) history.takeOlder(feed, next)
    })
  }

  async #come(): Promise<void> {
    await this.#ask(async () => {
      const who = await this.#api.get<Who>('me')
      await this.#listProjects()
      // In only once all is there: what is begun half would not be begun again.
      this.who = who
      this.fault = null
      this.stage = 'in'
      const only = this.projects?.length === 1 ? this.projects[0]?.project_uuid : undefined
      const isKnown = this.project !== null
      this.#place = { ...this.#place, project: isKnown ? this.#place.project : (only ?? null) }
      putInAddress(this.#place)
      this.#open()
      this.#look()
      this.ledgers.look(this.#place)
    })
    // A window that is let in stays so while the hub is away.
    if (this.stage !== 'in' && this.#api.isIn) setTimeout(() => void this.#come(), RETRY_MS)
  }

  async #listProjects(): Promise<void> {
    const before = this.projects
    const { projects } = await this.#api.get<{ readonly projects: readonly Project[] }>('projects')
    this.projects = projects
    const first = projects[0]?.project_uuid
    if (before?.length === 0 && first !== undefined) this.go({ project: first })
  }

  // Told of what is followed alone, once anything is: others are looked for now and then.
  #elsewhere(project: string): void {
    const isKnown = this.projects?.some(({ project_uuid }) => project_uuid === project)
    if (isKnown !== true) void this.#ask(() => this.#listProjects())
  }

  #open(): void {
    this.#link?.stop()
    const link = new Link({
      api: this.#api,
      place: () => this.#followed(),
      subscribed: (frame) => this.#subscribed(frame),
      frame: (frame) => this.#take(frame),
      elsewhere: (project) => this.#elsewhere(project),
      changed: () => {
        if (link.state === 'live') void this.#ask(() => this.#listProjects())
        this.changed()
      },
      ended: () => this.#out(new ApiFault(401, 'SESSION_ENDED', 'the login has ended')),
    })
    this.#link = link
    void link.open()
  }

  #followed() {
    const { project } = this.#place
    const { epoch, seq } = this.history
    return project === null ? null : { project, epoch, seq }
  }

  /** Another project is looked at. */
  #look(): void {
    this.history = new History()
    this.present = []
    this.#link?.follow()
  }

  #subscribed(frame: Subscribed): void {
    const { history } = this
    history.begin(frame)
    if (frame.resumed) void this.#settle()
    if (history.linesSeq !== frame.lines_seq) this.ledgers.refresh('all')
    history.linesSeq = frame.lines_seq
    this.changed()
  }

  /** Pushes have no number: after a pause it is asked what is local only now. */
  async #settle(): Promise<void> {
    const { history } = this
    const query = { project_uuid: this.#place.project ?? '' }
    const upTo = history.seq
    await this.#ask(async () => {
      const { commits, is_cut } = await this.#api.get<LocalOnly>('local-only', query)
      if (history === this.history) history.settle(commits, is_cut, upTo)
    })
  }

  #take(frame: Frame): void {
    const { history } = this
    switch (frame.type) {
      case 'event':
      case 'LocalCommit':
      case 'damaged':
        if (!history.take(frame)) return this.#link?.follow()
        this.ledgers.noticed(frame)
        break
      case 'forgotten':
        history.forgotten(frame.through_seq)
        break
      case 'CommitsPushed':
        history.pushed(frame.git_hashes)
        break
      case 'LedgerLines':
        history.linesSeq = Math.max(history.linesSeq, frame.lines_seq)
        this.ledgers.refresh(frame)
        break
      case 'presence':
        this.present = frame.present
        break
      default:
        return
    }
    this.changed()
  }

  async #ask(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#failed(error)
    }
    this.changed()
  }

  #failed(error: unknown): void {
    if (!(error instanceof ApiFault)) throw error
    if (error.status === 401) return this.#out(error)
    if (this.stage === 'entering') this.fault = error
  }

  #out(fault: ApiFault | null): void {
    this.#link?.stop()
    this.#link = null
    // Nobody was let out by a hub that is away.
    if (fault === null || fault.status === 401) this.#api.forget()
    this.stage = 'out'
    this.fault = fault
    this.who = null
    this.projects = null
    this.history = new History()
    this.present = []
    this.ledgers.forget()
    this.changed()
  }
}

const RETRY_MS = 2_000
