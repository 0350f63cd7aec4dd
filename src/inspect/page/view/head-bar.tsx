/** What is looked at, how the link is, and how much was left out. */
import { Mark } from '../../../page/mark.tsx'
import { type Inspector, type Tab, TABS } from '../inspector.ts'
import { count, visible } from '../../../page/text.ts'
import { currentTheme, nextTheme } from '../../../page/theme.ts'

const TAB_NAMES: Readonly<Record<Tab, string>> = {
  chart: 'Chart',
  sequence: 'Sequence',
  events: 'Events',
  health: 'Health',
}

export function HeadBar({ inspector }: { readonly inspector: Inspector }) {
  const { history, view } = inspector
  return (
    <header class="head">
      <h1>
        <Mark /> Kittiwake <span class="faint">inspector</span>
      </h1>
      <LinkLamp inspector={inspector} />
      <nav class="tabs" role="tablist" aria-label="Views">
        {TABS.map((tab, index) => (
          <button
            key={tab}
            type="button"
            class="tab"
            role="tab"
            aria-selected={tab === view.tab}
            title={`${TAB_NAMES[tab]} (${index + 1})`}
            onClick={() => inspector.show({ tab })}
          >
            {TAB_NAMES[tab]}
          </button>
        ))}
      </nav>
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
      <button
        type="button"
        class="quiet"
        title="Dark, light or as the system has it (T)"
        onClick={() => {
          nextTheme()
          inspector.show({})
        }}
      >
        {{ auto: '◐ Auto', light: '○ Light', dark: '● Dark' }[currentTheme()]}
      </button>
      <button
        type="button"
        class="quiet"
        title="Keys (?)"
        aria-label="Keys"
        onClick={() => inspector.show({ isHelpOpen: true })}
      >
        ?
      </button>
    </header>
  )
}

function LinkLamp({ inspector }: { readonly inspector: Inspector }) {
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
    <span
      class={`link-lamp ${linkState.kind} ${isTrace ? 'trace' : ''}`}
      role="status"
      data-testid="link"
    >
      <span class="lamp" />
      {words[linkState.kind]}
      {trace?.failure === undefined ? null : (
        <b class="failure">
          {' '}
          written when {visible(trace.failure.worker)} failed: {visible(trace.failure.code)}
        </b>
      )}
    </span>
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
