"use strict";
// A button for light and dark: what the system wants, until the reader says otherwise.
(() => {
  const theme = document.createElement("button");
  theme.id = "theme";
  theme.type = "button";
  theme.textContent = "Light / dark";
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  document.querySelector("header").append(theme);
})();
