/** The page by keys alone. */
import type { KeyWords } from '../../page/keys-help.tsx'
import { nextTheme } from '../../page/theme.ts'
import type { Dashboard } from './dashboard.ts'
import { TABS } from './place.ts'

export const KEYS: readonly KeyWords[] = [
  { keys: '1 … 6', does: 'Boards, decisions, commits, stream, glossary, activity' },
  { keys: 'J', does: 'The next mission' },
  { keys: 'K', does: 'The mission before' },
  { keys: '/', does: 'Search' },
  { keys: 'Esc', does: 'Out of the search, or close' },
  { keys: 'P', does: 'All projects' },
  { keys: 'T', does: 'Dark, light, or as the system has it' },
  { keys: '?', does: 'These keys' },
]

export function listenToKeys(dashboard: Dashboard): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dashboard.stage !== 'in') return
    const isTyping =
      event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
    if (event.key === 'Escape') return escape(dashboard, event.target)
    if (isTyping || !act(dashboard, event.key)) return
    event.preventDefault()
  })
}

function escape(dashboard: Dashboard, target: EventTarget | null): void {
  if (dashboard.isHelpOpen) return dashboard.help(false)
  if (target instanceof HTMLInputElement) target.blur()
}

function act(dashboard: Dashboard, key: string): boolean {
  const tab = TABS[Number(key) - 1]
  if (tab !== undefined) dashboard.go({ tab })
  else if (key === '/') document.querySelector<HTMLInputElement>('input[type=search]')?.focus()
  else if (key === '?') dashboard.help(!dashboard.isHelpOpen)
  else if (key === 'p') dashboard.go({ project: null, mission: null })
  else if (key === 'j' || key === 'k') step(dashboard, key === 'j' ? 1 : -1)
  else if (key === 't') {
    nextTheme()
    dashboard.changed()
  } else return false
  return true
}

function step(dashboard: Dashboard, by: 1 | -1): void {
  const missions = dashboard.ledgers.missions ?? []
  const at = missions.findIndex(({ mission }) => mission === dashboard.ledgers.shownMission)
  const next = missions[Math.min(missions.length - 1, Math.max(0, at + by))]
  if (next !== undefined) dashboard.go({ tab: 'boards', mission: next.mission })
}
