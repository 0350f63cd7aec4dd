/** Which project is looked at, what of it, and how the link is. */
import { Brand, Head, HeadButtons, LinkLamp, Tabs } from '../../../page/head.tsx'
import { count, visible } from '../../../page/text.ts'
import type { Dashboard } from '../dashboard.ts'
import { projectName } from '../model/words.ts'
import type { Tab } from '../place.ts'

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
    <Head>
      <Brand of={visible(who?.team_slug ?? '')} />
      <ProjectChoice dashboard={dashboard} />
      <LinkLamp state={linkState === 'live' ? 'open' : linkState}>{LINK_WORDS[linkState]}</LinkLamp>
      <span class="spacer" />
      <HeadButtons changed={() => dashboard.changed()} help={() => dashboard.help(true)} />
      <button
        type="button"
        class="quiet"
        title={`Logged in as ${visible(who?.user ?? '')}`}
        onClick={() => void dashboard.leave()}
      >
        Log out
      </button>
      {place.project === null ? null : (
        <Tabs
          names={TAB_NAMES}
          shown={place.tab}
          choose={(tab) => dashboard.go({ tab })}
          mark={(tab) => <Badge count={waiting(dashboard, tab)} />}
        />
      )}
    </Head>
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
