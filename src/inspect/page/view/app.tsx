/** The whole page, of what the inspector is now. */
import type { Inspector, Tab } from '../inspector.ts'
import { ChartPane } from './chart-pane.tsx'
import { EventsPane } from './events-pane.tsx'
import { HeadBar } from './head-bar.tsx'
import { HealthPane } from './health-pane.tsx'
import { noticeOf } from './notice.tsx'
import { KeysHelp } from '../../../page/keys-help.tsx'
import { KEYS } from '../keys.ts'
import { SafePane } from '../../../page/safe-pane.tsx'
import { SequencePane } from './sequence-pane.tsx'
import { SidePane } from './side-pane.tsx'
import { Timeline } from './timeline.tsx'
import { TreePane } from './tree-pane.tsx'

const PANES: Readonly<
  Record<Tab, (props: { readonly inspector: Inspector }) => preact.ComponentChild>
> = {
  chart: ChartPane,
  sequence: SequencePane,
  events: EventsPane,
  health: HealthPane,
}

/** `version` is another one at each drawing: the inspector is one object, whose inside changes. */
export function App({ inspector }: { readonly inspector: Inspector; readonly version: number }) {
  const { tab, isHelpOpen } = inspector.view
  const Pane = PANES[tab]
  const notice = noticeOf(inspector)
  return (
    <div class="app">
      <HeadBar inspector={inspector} />
      {notice ?? (
        <>
          <div class="panes">
            <SafePane name="tree of actors">
              <TreePane inspector={inspector} />
            </SafePane>
            <main class="pane stage" data-tab={tab}>
              <SafePane key={tab} name={tab}>
                <Pane inspector={inspector} />
              </SafePane>
            </main>
            <SafePane name="details">
              <SidePane inspector={inspector} />
            </SafePane>
          </div>
          <SafePane name="timeline">
            <Timeline inspector={inspector} />
          </SafePane>
        </>
      )}
      {isHelpOpen ? (
        <KeysHelp keys={KEYS} close={() => inspector.show({ isHelpOpen: false })} />
      ) : null}
    </div>
  )
}
