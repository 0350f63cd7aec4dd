/** The whole page. */
import type { ComponentChildren } from 'preact'
import { KeysHelp } from '../../../page/keys-help.tsx'
import { KEYS } from '../keys.ts'
import { SafePane } from '../../../page/safe-pane.tsx'
import type { Dashboard } from '../dashboard.ts'
import type { Tab } from '../place.ts'
import { ActivityPane } from './activity-pane.tsx'
import { BoardsPane } from './boards-pane.tsx'
import { CommitsPane } from './commits-pane.tsx'
import { DecisionsPane } from './decisions-pane.tsx'
import { GlossaryPane } from './glossary-pane.tsx'
import { HeadBar } from './head-bar.tsx'
import { Login } from './login.tsx'
import { PresenceStrip } from './presence-strip.tsx'
import { ProjectsPane } from './projects-pane.tsx'
import { StreamPane } from './stream-pane.tsx'

export type AppProps = {
  readonly dashboard: Dashboard
  /** Rises with each change, so that nothing is taken for unchanged. */
  readonly version: number
}

export function App({ dashboard, version }: AppProps) {
  if (dashboard.stage !== 'in') return <Login dashboard={dashboard} />
  const { project } = dashboard.place
  return (
    <div class="dash" data-version={version}>
      <HeadBar dashboard={dashboard} />
      {project === null ? null : <PresenceStrip dashboard={dashboard} />}
      <main class="scroll" tabIndex={-1}>
        {project === null ? (
          <ProjectsPane dashboard={dashboard} />
        ) : (
          <SafePane key={dashboard.place.tab} name={dashboard.place.tab}>
            {paneOf(dashboard.place.tab, dashboard)}
          </SafePane>
        )}
      </main>
      {dashboard.isHelpOpen ? <KeysHelp keys={KEYS} close={() => dashboard.help(false)} /> : null}
    </div>
  )
}

function paneOf(tab: Tab, dashboard: Dashboard): ComponentChildren {
  switch (tab) {
    case 'boards':
      return <BoardsPane dashboard={dashboard} />
    case 'decisions':
      return <DecisionsPane dashboard={dashboard} />
    case 'commits':
      return <CommitsPane dashboard={dashboard} />
    case 'stream':
      return <StreamPane dashboard={dashboard} />
    case 'glossary':
      return <GlossaryPane dashboard={dashboard} />
    default:
      return <ActivityPane dashboard={dashboard} />
  }
}
