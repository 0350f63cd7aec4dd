/** Which project is looked at, what of it, and how the link is. */
import { Mark } from '../../../page/mark.tsx'
import { count, visible } from '../../../page/text.ts'
import { currentTheme, nextTheme } from '../../../page/theme.ts'
import type { Dashboard } from '../dashboard.ts'
import { projectName } from '../model/words.ts'
import { type Tab, TABS } from '../place.ts'

const TAB_NAMES: Readonly<Record<Tab, string>> = {
  boards: 'Boards',
  decisions: 'Decisions',
  commits: 'Commits',
  stream: 'Stream',
  glossary: 'Glossary',
  activity: 'Activity',
}
const LINK_WORDS = {
  connecting: 'connecting …',
  live: 'live',
  lost: 'lost, trying again …',
} as const

export function HeadBar({ dashboard }: { readonly dashboard: Dashboard }) {
  const { place, who, linkState } = dashboard
  return (
    <header class="head">
      <h1>
        <Mark /> <span class="brand">Kittiwake</span>{' '}
        <span class="faint">{visible(who?.team_slug ?? '')}</span>
      </h1>
      <ProjectChoice dashboard={dashboard} />
      <span
        class={`link-lamp ${linkState === 'live' ? 'open' : linkState}`}
        role="status"
        data-testid="link"
      >
        <span class="lamp" />
        <span class="link-words">{LINK_WORDS[linkState]}</span>
      </span>
      <span class="spacer" />
      <button
        type="button"
        class="quiet"
        title="Dark, light or as the system has it (T)"
        onClick={() => {
          nextTheme()
          dashboard.changed()
        }}
      >
        {{ auto: '◐ Auto', light: '○ Light', dark: '● Dark' }[currentTheme()]}
      </button>
      <button
        type="button"
        class="quiet"
        title="Keys (?)"
        aria-label="Keys"
        onClick={() => dashboard.help(true)}
      >
        ?
      </button>
      <button
        type="button"
        class="quiet"
        title={`Logged in as ${visible(who?.user ?? '')}`}
        onClick={() => void dashboard.leave()}
      >
        Log out
      </button>
      {place.project === null ? null : (
        <nav class="tabs" role="tablist" aria-label="Views">
          {TABS.map((tab, index) => (
            <button
              key={tab}
              type="button"
              class="tab"
              role="tab"
              aria-selected={tab === place.tab}
              title={`${TAB_NAMES[tab]} (${index + 1})`}
              onClick={() => dashboard.go({ tab })}
            >
              {TAB_NAMES[tab]}
              <Badge count={waiting(dashboard, tab)} />
            </button>
          ))}
        </nav>
      )}
    </header>
  )
}

function ProjectChoice({ dashboard }: { readonly dashboard: Dashboard }) {
  const projects = dashboard.projects ?? []
  if (projects.length === 0) return null
  return (
    <select
      aria-label="Project"
      value={dashboard.place.project ?? ''}
      onChange={({ currentTarget }) => {
        const { value } = currentTarget
        dashboard.go({ project: value === '' ? null : value, mission: null })
      }}
    >
      <option value="">All projects</option>
      {projects.map((project) => (
        <option key={project.project_uuid} value={project.project_uuid}>
          {projectName(project)}
        </option>
      ))}
    </select>
  )
}

/** What waits for somebody. */
function waiting({ ledgers, history }: Dashboard, tab: Tab): number {
  if (tab === 'decisions') return ledgers.openDecisions
  if (tab === 'glossary') return ledgers.glossary?.open ?? 0
  return tab === 'commits' ? history.commits.filter(({ local_only }) => local_only).length : 0
}

function Badge({ count: value }: { readonly count: number }) {
  return value === 0 ? null : <span class="badge">{count(value)}</span>
}
