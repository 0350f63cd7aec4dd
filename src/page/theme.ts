/** Dark, light, or as the system has it; remembered by this browser. */

const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]
const KEY = 'kittiwake-theme'

export function currentTheme(): Theme {
  const kept = localStorage.getItem(KEY)
  return THEMES.find((theme) => theme === kept) ?? 'auto'
}

export function applyTheme(): void {
  document.documentElement.dataset['theme'] = currentTheme()
}

export function nextTheme(): void {
  const next = THEMES[(THEMES.indexOf(currentTheme()) + 1) % THEMES.length] ?? 'auto'
  localStorage.setItem(KEY, next)
  applyTheme()
}
