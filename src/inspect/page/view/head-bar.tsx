/** What is looked at, how the link is, and how much was left out. */
import { Brand, Head, HeadButtons, LinkLamp, Tabs } from '../../../page/head.tsx'
import type { Inspector, Tab } from '../inspector.ts'
import { count, visible } from '../../../page/text.ts'

const TAB_NAMES: Readonly<Record<Tab, string>> = {
  chart: 'Chart',
  sequence: 'Sequence',
  events: 'Events',
  health: 'Health',
}

export function HeadBar({ inspector }: { readonly inspector: Inspector }) {
  const { history, view } = inspector
  return (
    <Head>
      <Brand of="inspector" />
      <Link inspector={inspector} />
      <Tabs names={TAB_NAMES} shown={view.tab} choose={(tab) => inspector.show({ tab })} />
      <span class="spacer" />
      {history.leftOut > 0 ? (
        <span
          class="left-out"
          role="status"
          title="More came than could be shown; each gap stands in the timeline as “left out”"
        >
          {count(history.leftOut)} left out
        </span>
      ) : null}
      <Rate inspector={inspector} />
      <HeadButtons
        changed={() => inspector.show({})}
        help={() => inspector.show({ isHelpOpen: true })}
      />
    </Head>
  )
}

function Link({ inspector }: { readonly inspector: Inspector }) {
  const { linkState, welcome, progress } = inspector
  const isTrace = welcome?.source === 'trace'
  const words: Readonly<Record<typeof linkState.kind, string>> = {
    unlinked: 'no link',
    connecting: 'connecting …',
    reading: `reading ${count(progress.read)} of ${count(progress.expected)}`,
    open: isTrace ? 'recorded trace' : inspector.isLive ? 'live' : 'live, held',
    lost: 'connection lost, trying again …',
    ended: 'the inspector is gone',
    refused: 'needs a new link',
  }
  const trace = welcome?.trace
  return (
    <LinkLamp state={`${linkState.kind} ${isTrace ? 'trace' : ''}`}>
      {words[linkState.kind]}
      {trace?.failure === undefined ? null : (
        <b class="failure">
          {' '}
          written when {visible(trace.failure.worker)} failed: {visible(trace.failure.code)}
        </b>
      )}
    </LinkLamp>
  )
}

function Rate({ inspector }: { readonly inspector: Inspector }) {
  let [events, isKnown] = [0, false]
  for (const process of inspector.history.threads.keys()) {
    const figures = inspector.history.figures(process, inspector.now)
    if (figures === undefined || inspector.history.hasEnded(process, inspector.now)) continue
    events += figures.message.events
    isKnown = true
  }
  return isKnown ? <span class="faint rate">{count(events)} events/s</span> : null
}
