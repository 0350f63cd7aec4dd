/**
 * Who works on what: known while its connection lives, told to those who follow the project, kept nowhere. Changes are
 * gathered for a moment, so that many at once are told once.
 */
import { randomBytes } from 'node:crypto'
import type { Focus } from '../../contracts/wire/focus.ts'
import { PRESENCE_DELAY_MS, PRESENT_MAX, SUBSCRIPTIONS_MAX } from '../limits.ts'

/** A connection, as far as presence goes. */
export type Member = object

/** Tells those of the team who follow the project. */
export type Tell = (team: string, projectUuid: string, frame: Buffer) => void

export type Present = { readonly member: string; readonly focus: Focus }

/** Where other hubs share the teams: who is present there. */
export type Others = {
  bind(listener: OthersListener): void
  /** Who is present here now. */
  tell(team: string, projectUuid: string, present: readonly Present[]): void
  of(team: string, projectUuid: string): readonly Present[]
}
export type OthersListener = {
  /** Who is present elsewhere in a project is not who was. */
  changed(team: string, projectUuid: string): void
  /** Who is present here. */
  all(): Iterable<{
    readonly team: string
    readonly projectUuid: string
    readonly present: readonly Present[]
  }>
}

type Project = {
  readonly team: string
  readonly projectUuid: string
  readonly focusByMember: Map<Member, Focus>
}
type Whereabouts = { readonly name: string; readonly projects: Set<Project> }

const NAME_BYTES = 6

export class Presence {
  readonly #tell: Tell
  readonly #others: Others | null
  readonly #projectByKey = new Map<string, Project>()
  readonly #whereaboutsByMember = new Map<Member, Whereabouts>()
  readonly #changed = new Set<Project>()
  /** Of these, what the others have to be told. */
  readonly #changedHere = new Set<Project>()
  #timer: NodeJS.Timeout | undefined

  constructor(tell: Tell, others: Others | null = null) {
    this.#tell = tell
    this.#others = others
    others?.bind({
      changed: (team, projectUuid) => this.#change(this.#project(team, projectUuid)),
      all: () => this.#all(),
    })
  }

  /** A member works on something. False where there is no room for it. */
  enter(member: Member, team: string, projectUuid: string, { mission, wp }: Focus): boolean {
    const project = this.#project(team, projectUuid)
    const whereabouts = this.#whereaboutsByMember.get(member) ?? newcomer()
    const { focusByMember } = project
    const isNew = !focusByMember.has(member)
    if (isNew && focusByMember.size >= PRESENT_MAX) return false
    if (isNew && whereabouts.projects.size >= SUBSCRIPTIONS_MAX) return false
    focusByMember.set(member, { mission, ...(wp === undefined || wp === null ? {} : { wp }) })
    this.#projectByKey.set(keyOf(team, projectUuid), project)
    this.#whereaboutsByMember.set(member, whereabouts)
    whereabouts.projects.add(project)
    this.#changeHere(project)
    return true
  }

  /** A member is no longer there. */
  leave(member: Member, team: string, projectUuid: string): void {
    const project = this.#projectByKey.get(keyOf(team, projectUuid))
    if (project === undefined || !project.focusByMember.delete(member)) return
    this.#whereaboutsByMember.get(member)?.projects.delete(project)
    this.#changeHere(project)
  }

  /** A member is gone from everywhere. */
  leaveAll(member: Member): void {
    const projects = this.#whereaboutsByMember.get(member)?.projects ?? []
    for (const { team, projectUuid } of projects) this.leave(member, team, projectUuid)
    this.#whereaboutsByMember.delete(member)
  }

  /** The frame that says who is present now. */
  frame(team: string, projectUuid: string): string {
    const here = this.#here(this.#project(team, projectUuid))
    const present = [...here, ...(this.#others?.of(team, projectUuid) ?? [])]
    return JSON.stringify({ type: 'presence', project_uuid: projectUuid, present })
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #project(team: string, projectUuid: string): Project {
    const known = this.#projectByKey.get(keyOf(team, projectUuid))
    return known ?? { team, projectUuid, focusByMember: new Map() }
  }

  #here({ focusByMember }: Project): readonly Present[] {
    return [...focusByMember].map(([member, focus]) => ({
      member: this.#whereaboutsByMember.get(member)?.name ?? '',
      focus,
    }))
  }

  *#all(): ReturnType<OthersListener['all']> {
    for (const project of this.#projectByKey.values()) {
      const { team, projectUuid } = project
      yield { team, projectUuid, present: this.#here(project) }
    }
  }

  #changeHere(project: Project): void {
    if (this.#others !== null) this.#changedHere.add(project)
    this.#change(project)
  }

  #change(project: Project): void {
    this.#changed.add(project)
    this.#timer ??= setTimeout(() => this.#tellAll(), PRESENCE_DELAY_MS)
  }

  #tellAll(): void {
    this.#timer = undefined
    for (const project of this.#changedHere) {
      this.#others?.tell(project.team, project.projectUuid, this.#here(project))
    }
    this.#changedHere.clear()
    for (const { team, projectUuid, focusByMember } of this.#changed) {
      this.#tell(team, projectUuid, Buffer.from(this.frame(team, projectUuid)))
      if (focusByMember.size === 0) this.#projectByKey.delete(keyOf(team, projectUuid))
    }
    this.#changed.clear()
  }
}

// A name that is made up: that of the user would be personal, a number would tell how many there were.
function newcomer(): Whereabouts {
  return { name: randomBytes(NAME_BYTES).toString('hex'), projects: new Set() }
}

function keyOf(team: string, projectUuid: string): string {
  return `${team} ${projectUuid}`
}
