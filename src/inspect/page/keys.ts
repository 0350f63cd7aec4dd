/** The keyboard. What the keys do stands in one list, which the help shows. */
import { type Inspector, TABS } from './inspector.ts'
import { stepTo } from './steps.ts'
import { nextTheme } from '../../page/theme.ts'

type Key = {
  readonly keys: string
  readonly does: string
  readonly act: (inspector: Inspector) => void
}

/** By `KeyboardEvent.key`, with `Shift+` where it is held. */
const ACTIONS: Readonly<Record<string, Key>> = {
  ' ': {
    keys: 'Space',
    does: 'hold the moment, or go on',
    act: (inspector) => inspector.togglePause(),
  },
  ArrowLeft: {
    keys: '←',
    does: 'one listed message back',
    act: (inspector) => stepTo(inspector, 'back'),
  },
  ArrowRight: {
    keys: '→',
    does: 'one listed message on',
    act: (inspector) => stepTo(inspector, 'on'),
  },
  'Shift+ArrowLeft': {
    keys: 'Shift ←',
    does: 'to the chosen actor’s transition before',
    act: (inspector) => stepTo(inspector, 'backStep'),
  },
  'Shift+ArrowRight': {
    keys: 'Shift →',
    does: 'to the chosen actor’s next transition',
    act: (inspector) => stepTo(inspector, 'onStep'),
  },
  Home: {
    keys: 'Home',
    does: 'to the first message',
    act: (inspector) => stepTo(inspector, 'first'),
  },
  End: {
    keys: 'End',
    does: 'to the newest message, and stay there',
    act: (inspector) => inspector.follow(),
  },
  '1': { keys: '1', does: 'chart', act: tab(0) },
  '2': { keys: '2', does: 'sequence', act: tab(1) },
  '3': { keys: '3', does: 'events and their fates', act: tab(2) },
  '4': { keys: '4', does: 'health', act: tab(3) },
  '/': {
    keys: '/',
    does: 'search',
    act: () => document.querySelector<HTMLElement>('#search')?.focus(),
  },
  o: { keys: 'O', does: 'list only what concerns the chosen actor', act: toggleOnly },
  e: {
    keys: 'E',
    does: 'show actors that are over',
    act: (inspector) => inspector.show({ showsEnded: !inspector.view.showsEnded }),
  },
  t: {
    keys: 'T',
    does: 'dark, light, or as the system has it',
    act: (inspector) => {
      nextTheme()
      inspector.show({})
    },
  },
  '?': {
    keys: '?',
    does: 'this list',
    act: (inspector) => inspector.show({ isHelpOpen: !inspector.view.isHelpOpen }),
  },
  Escape: {
    keys: 'Esc',
    does: 'close what is open',
    act: (inspector) => inspector.show({ isHelpOpen: false, stateId: null }),
  },
}

export const KEYS: readonly Pick<Key, 'keys' | 'does'>[] = [
  ...Object.values(ACTIONS),
  { keys: '↑ ↓', does: 'in the list of actors: the actor before, or the next' },
  { keys: '+ − 0', does: 'on the chart: nearer, farther, all of it' },
]

/** What is typed into a field, and what goes with Ctrl, Alt or ⌘, is not ours. */
export function listenToKeys(inspector: Inspector): void {
  document.addEventListener('keydown', (event) => {
    const { target, key, shiftKey } = event
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    if (target instanceof HTMLInputElement && key !== 'Escape') return
    if (target instanceof HTMLButtonElement && key === ' ') return
    const name = key.length === 1 ? key.toLowerCase() : key
    const action = ACTIONS[shiftKey && key.startsWith('Arrow') ? `Shift+${key}` : name]
    if (action === undefined) return
    event.preventDefault()
    action.act(inspector)
  })
}

function tab(index: number): (inspector: Inspector) => void {
  return (inspector) => inspector.show({ tab: TABS[index] ?? 'chart' })
}

function toggleOnly(inspector: Inspector): void {
  const { actor, filter } = inspector.view
  inspector.filter({ actor: filter.actor === null ? actor : null })
}
