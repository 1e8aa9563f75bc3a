"""`suxin up`: embedded servers and Suxin's own processes under one supervisor."""
