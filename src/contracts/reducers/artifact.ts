/**
 * The planning of missions: which phase of specify, plan and tasks was begun and completed, and which work packages were made.
 * A phase may be run again; its latest completion counts. The order of the contract's documentation is looked after here:
 * what breaks it is told and applied all the same, but for what befalls a package that nobody made.
 */
import { counted } from '../values/counted.ts'
import type { Json, JsonObject } from '../json/json.ts'
import { missionKeys } from './mission-keys.ts'
import { STATUS_TYPE } from './status.ts'
import type { Family, Input, Run } from './types.ts'
import { numberOf, objectOf, sortedTexts, textOf, textsOf, writtenTime } from './values.ts'

const PHASES = ['specify', 'plan', 'tasks'] as const
type PhaseName = (typeof PHASES)[number]

const STARTED: ReadonlyMap<string, PhaseName> = new Map<string, PhaseName>([
  ['SpecifyStarted', 'specify'],
  ['PlanStarted', 'plan'],
  ['TasksStarted', 'tasks'],
])
const COMPLETED: ReadonlyMap<string, PhaseName> = new Map<string, PhaseName>([
  ['SpecifyCompleted', 'specify'],
  ['PlanCompleted', 'plan'],
  ['TasksCompleted', 'tasks'],
])

/** What befalls a work package after it was made. */
const BEFALLS: ReadonlySet<string> = new Set([
  STATUS_TYPE,
  'WPAssigned',
  'HistoryAdded',
  'ErrorLogged',
  'DependencyResolved',
])

/** The key of what belongs to a project and to none of its missions. */
const PROJECT_KEY = ''

export const artifact: Family = {
  types: new Set([
    'ProjectInitialized',
    'MissionCreated',
    ...STARTED.keys(),
    ...COMPLETED.keys(),
    'WPCreated',
    ...BEFALLS,
  ]),
  keysOf: (events) => {
    const keys = missionKeys(events)
    return events.map(({ event_type }, at) =>
      event_type === 'ProjectInitialized' ? PROJECT_KEY : (keys[at] ?? null),
    )
  },
  fold: foldArtifacts,
  reference: null,
}

function foldArtifacts(events: readonly Input[], run: Run): JsonObject {
  if (events.every(({ event_type }) => event_type === 'ProjectInitialized')) {
    return projectOf(events, run)
  }
  const planning = new Planning(run, events)
  for (const event of events) planning.take(event, event.payload)
  return planning.state()
}

function projectOf(events: readonly Input[], run: Run): JsonObject {
  const [first, ...again] = events
  for (const event of again) run.report(event, 'duplicate_start', 'the project is initialized')
  const payload = first?.payload ?? {}
  return {
    project_slug: payload['project_slug'] ?? null,
    project_uuid: payload['project_uuid'] ?? null,
    runtime_version: payload['runtime_version'] ?? null,
  }
}

type WorkPackage = {
  readonly created_by: string
  readonly payload: JsonObject
  readonly resolved: Set<string>
  agent: Json
  moves: number
  notes: number
  errors: number
}

type Phase = {
  readonly started: number
  readonly completed: number
  readonly isOpen: boolean
  readonly artifact: JsonObject | null
}

const UNTOUCHED: Phase = { started: 0, completed: 0, isOpen: false, artifact: null }

class Planning {
  readonly #run: Run
  readonly #phases = new Map<PhaseName, Phase>(PHASES.map((name) => [name, UNTOUCHED]))
  readonly #packages = new Map<string, WorkPackage>()
  readonly #willBeCreated: boolean
  #slug = ''
  #isCreated = false
  /** Errors that name no work package. */
  #errors = 0
  #planned: { readonly event: Input; readonly count: number } | null = null

  constructor(run: Run, events: readonly Input[]) {
    this.#run = run
    this.#willBeCreated = events.some(({ event_type }) => event_type === 'MissionCreated')
  }

  take(event: Input, payload: JsonObject): void {
    this.#slug ||= textOf(payload, 'mission_slug')
    if (event.event_type === 'MissionCreated') this.#isCreated = true
    // A stream may begin in the middle of a mission; it may not tell of its creation later.
    else if (!this.#isCreated && this.#willBeCreated) {
      this.#run.report(event, 'event_before_created', 'the mission is created by a later event')
    }
    const started = STARTED.get(event.event_type)
    const completed = COMPLETED.get(event.event_type)
    if (started !== undefined) this.#start(started)
    else if (completed !== undefined) this.#complete(event, payload, completed)
    else if (event.event_type === 'WPCreated') this.#make(event, payload)
    else if (BEFALLS.has(event.event_type)) this.#befall(event, payload)
  }

  state(): JsonObject {
    this.#checkPlan()
    const phases = [...this.#phases].map(([name, phase]) => [name, phaseState(phase)] as const)
    return {
      mission_slug: this.#slug,
      phases: Object.fromEntries(phases),
      work_packages: objectOf(this.#packages, packageState),
      errors: this.#errors,
    }
  }

  #phase(name: PhaseName): Phase {
    return this.#phases.get(name) ?? UNTOUCHED
  }

  #start(name: PhaseName): void {
    const phase = this.#phase(name)
    this.#phases.set(name, { ...phase, started: phase.started + 1, isOpen: true })
  }

  #complete(event: Input, payload: JsonObject, name: PhaseName): void {
    const phase = this.#phase(name)
    if (!phase.isOpen) {
      this.#run.report(event, 'event_before_start', `${name} is completed but was not started`)
    }
    if (name === 'tasks') this.#planned = { event, count: numberOf(payload, 'wp_count') }
    this.#phases.set(name, {
      ...phase,
      completed: phase.completed + 1,
      isOpen: false,
      artifact: {
        event_id: event.event_id,
        at: writtenTime(textOf(payload, 'at') || event.timestamp),
        actor: payload['actor'] ?? null,
        artifact_path: payload['artifact_path'] ?? null,
        summary: payload['summary'] ?? null,
      },
    })
  }

  #make(event: Input, payload: JsonObject): void {
    const id = textOf(payload, 'wp_id')
    if (this.#packages.has(id)) {
      this.#run.report(event, 'duplicate_start', `${id} is made already; the first counts`)
      return
    }
    const counts = { agent: null, moves: 0, notes: 0, errors: 0 }
    this.#packages.set(id, { created_by: event.event_id, payload, resolved: new Set(), ...counts })
  }

  #befall(event: Input, payload: JsonObject): void {
    const id = textOf(payload, 'wp_id')
    const known = this.#packages.get(id)
    if (event.event_type === 'ErrorLogged' && id === '') this.#errors += 1
    else if (known === undefined) {
      const detail = `${event.event_type} of ${id}, but nobody made it before`
      this.#run.report(event, 'orphan_work_package', detail, { path: 'wp_id' })
    } else if (event.event_type === STATUS_TYPE) known.moves += 1
    else if (event.event_type === 'WPAssigned') known.agent = payload['agent_id'] ?? null
    else if (event.event_type === 'HistoryAdded') known.notes += 1
    else if (event.event_type === 'ErrorLogged') known.errors += 1
    else known.resolved.add(textOf(payload, 'dependency_wp_id'))
  }

  #checkPlan(): void {
    if (this.#planned === null || this.#planned.count === this.#packages.size) return
    const { event, count } = this.#planned
    const detail = `planned: ${counted(count, 'work package')}; made: ${this.#packages.size}`
    this.#run.report(event, 'wp_count_mismatch', detail, { path: 'wp_count' })
  }
}

function packageState({ created_by, payload, resolved, agent, ...counts }: WorkPackage): Json {
  return {
    title: payload['wp_title'] ?? null,
    path: payload['wp_path'] ?? null,
    depends_on: textsOf(payload, 'depends_on'),
    resolved_dependencies: sortedTexts(resolved),
    assigned_to: agent,
    created_by,
    ...counts,
  }
}

function phaseState({ started, completed, isOpen, artifact: made }: Phase): Json {
  const ended = made === null ? 'untouched' : 'completed'
  return { status: isOpen ? 'running' : ended, started, completed, latest_completion: made }
}
