/** The bar above a page: its name, how its link is, its views, and what it has of buttons. */
import type { ComponentChildren } from 'preact'
import { Mark } from './mark.tsx'
import { currentTheme, nextTheme } from './theme.ts'

export function Head({ children }: { readonly children: ComponentChildren }) {
  return <header class="head">{children}</header>
}

export function Brand({ of }: { readonly of: string }) {
  return (
    <h1>
      <Mark /> <span class="brand">Kittiwake</span> <span class="faint">{of}</span>
    </h1>
  )
}

/** `state` names its colour. */
export function LinkLamp({
  state,
  children,
}: {
  readonly state: string
  readonly children: ComponentChildren
}) {
  return (
    <span class={`link-lamp ${state}`} role="status" data-testid="link">
      <span class="lamp" />
      <span class="link-words">{children}</span>
    </span>
  )
}

/** Each is chosen by the key of its place, too. */
export function Tabs<Tab extends string>({
  names,
  shown,
  choose,
  mark,
}: {
  readonly names: Readonly<Record<Tab, string>>
  readonly shown: Tab
  readonly choose: (tab: Tab) => void
  readonly mark?: (tab: Tab) => ComponentChildren
}) {
  return (
    <nav class="tabs" role="tablist" aria-label="Views">
      {(Object.keys(names) as Tab[]).map((tab, index) => (
        <button
          key={tab}
          type="button"
          class="tab"
          role="tab"
          aria-selected={tab === shown}
          title={`${names[tab]} (${index + 1})`}
          onClick={() => choose(tab)}
        >
          {names[tab]}
          {mark?.(tab)}
        </button>
      ))}
    </nav>
  )
}

export function HeadButtons({
  changed,
  help,
}: {
  /** Another theme is on. */
  readonly changed: () => void
  readonly help: () => void
}) {
  return (
    <>
      <button
        type="button"
        class="quiet"
        title="Dark, light or as the system has it (T)"
        onClick={() => {
          nextTheme()
          changed()
        }}
      >
        {{ auto: '◐ Auto', light: '○ Light', dark: '● Dark' }[currentTheme()]}
      </button>
      <button type="button" class="quiet" title="Keys (?)" aria-label="Keys" onClick={help}>
        ?
      </button>
    </>
  )
}
