/** A machine as data: what its configuration says, without a function of it. */
import { createHash } from 'node:crypto'
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import type { MachineNode, MachineTransition } from './protocol.ts'

export type Definition = {
  /** The machine's id. */
  readonly name: string
  /** 16 hex digits, of `root`. */
  readonly hash: string
  readonly root: MachineNode
  /** Ids of the transitions, by XState's own objects. */
  readonly idOf: (transition: AnyTransitionDefinition) => string | undefined
}

const HASH_LENGTH = 16
const definitionByRoot = new WeakMap<AnyStateNode, Definition>()

/** Made once for each machine object. */
export function definitionOf(machine: AnyStateMachine): Definition {
  const known = definitionByRoot.get(machine.root)
  if (known !== undefined) return known
  const idByTransition = new WeakMap<AnyTransitionDefinition, string>()
  const root = nodeOf(machine.root, idByTransition)
  const hash = createHash('sha256').update(JSON.stringify(root)).digest('hex')
  const definition: Definition = {
    name: machine.id,
    hash: hash.slice(0, HASH_LENGTH),
    root,
    idOf: (transition) => idByTransition.get(transition),
  }
  definitionByRoot.set(machine.root, definition)
  return definition
}

function nodeOf(node: AnyStateNode, ids: WeakMap<AnyTransitionDefinition, string>): MachineNode {
  const transitions = [...node.transitions.values(), node.always ?? []].flat()
  return {
    id: node.id,
    key: node.key,
    type: node.type,
    ...(node.history === false ? {} : { history: node.history === 'deep' ? 'deep' : 'shallow' }),
    initial: initialOf(node),
    entry: ownActions(node.entry),
    exit: ownActions(node.exit),
    invoke: node.invoke.map(({ id, src }) => ({ id, src: nameOf(src) })),
    tags: [...node.tags],
    transitions: transitions.map((transition, at) => {
      const id = `${node.id}#${at}`
      ids.set(transition, id)
      return transitionOf(transition, id)
    }),
    states: Object.values(node.states).map((child) => nodeOf(child, ids)),
  }
}

/** Ids of where it begins; a history state, where it leads without a history. */
function initialOf(node: AnyStateNode): readonly string[] {
  if (node.type === 'compound') return node.initial.target?.map(({ id }) => id) ?? []
  if (node.type !== 'history' || node.parent === undefined) return []
  const { target } = node.config as { readonly target?: string }
  if (target === undefined) return initialOf(node.parent)
  return [target.startsWith('#') ? target.slice(1) : `${node.parent.id}.${target}`]
}

function transitionOf(transition: AnyTransitionDefinition, id: string): MachineTransition {
  const { eventType, guard } = transition
  return {
    id,
    event: eventType,
    ...kindOf(eventType),
    ...(guard === undefined ? {} : { guard: nameOf(guard) }),
    targets: (transition.target ?? []).map((target) => target.id),
    actions: transition.actions.map(nameOf),
    reenter: transition.reenter,
  }
}

function kindOf(eventType: string): Pick<MachineTransition, 'kind' | 'delay'> {
  if (eventType === '') return { kind: 'always' }
  const delay = /^xstate\.after\.(.+?)\.[^.]+(\..*)?$/.exec(eventType)?.[1]
  if (delay !== undefined) {
    return { kind: 'after', delay: /^\d+$/.test(delay) ? Number(delay) : delay }
  }
  if (eventType.startsWith('xstate.done.')) return { kind: 'done' }
  return { kind: eventType.startsWith('xstate.error.') ? 'error' : 'event' }
}

/** Without those that XState adds for delays, which are told as transitions. */
function ownActions(actions: AnyStateNode['entry']): string[] {
  return actions.map(nameOf).filter((name) => name !== 'xstate.raise' && name !== 'xstate.cancel')
}

/** Of an action, a guard or a source: our machines name all of them. */
function nameOf(value: unknown): string {
  if (typeof value === 'string') return value
  const { type, name } = value as { readonly type?: unknown; readonly name?: unknown }
  if (typeof type === 'string') return type
  return typeof name === 'string' && name !== '' ? name : 'inline'
}
